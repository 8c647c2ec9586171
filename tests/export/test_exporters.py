import numpy as np
import pytest

from cyclegan_keras.export.base import Job
from cyclegan_keras.export.exporters import fitting
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.export.table import EXPORTERS
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator


def make_job(folder, **options):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 22, 30, 3)).astype("uint8")
    ways = ("a_to_b", "b_to_a")
    return Job(
        generators={way: ResNetGenerator(ngf=2, n_blocks=1, init_gain=0.1) for way in ways},
        names={"a_to_b": "generator_g", "b_to_a": "generator_f"},
        folder=folder,
        version=4,
        options=ExportOptions(**options),
        description={},
        pictures={way: list(pictures[:2]) for way in ways},
        calibration={way: list(pictures) for way in ways},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("saved_model", {"4"}),
        ("onnx", {"onnx/generator_g.onnx", "onnx/generator_f.onnx"}),
    ],
)
def test_every_file_is_written_and_compared(name, paths, tmp_path):
    if name == "onnx":
        pytest.importorskip("tf2onnx")
    exported = EXPORTERS[name](make_job(tmp_path))
    assert {each.path.relative_to(tmp_path).as_posix() for each in exported} == paths
    assert [each.direction for each in exported] == ["a_to_b", "b_to_a"]
    for each in exported:
        assert each.path.exists()
        assert each.is_good
        assert each.facts["max_abs_error"] < 0.01
        assert len(each.samples) == 2


def test_pictures_are_made_to_fit():
    image = np.zeros((22, 30, 3), "uint8")
    assert fitting(ResNetGenerator(ngf=2, n_blocks=1), image).shape == (1, 20, 28, 3)
    assert fitting(UNetGenerator(ngf=2, n_downs=5), image).shape == (1, 32, 32, 3)
