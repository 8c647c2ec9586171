import json
import sys

import numpy as np
import pytest

from cyclegan_keras.export.onnx import export_onnx, fitting_input, write_onnx
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.images.values import Values
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (
            ResNetGenerator,
            {
                "n_blocks": 1,
                "init_gain": 0.3,
                "antialias": True,
                "antialias_up": True,
                "input_channels": 5,
                "output_channels": 2,
            },
        ),
        (ResNetGenerator, {"n_blocks": 0, "upsample": "resize", "norm": "batch"}),
        (UNetGenerator, {"n_downs": 3, "init_gain": 0.3}),
        (
            ResNetGenerator,
            {
                "n_blocks": 1,
                "init_gain": 0.3,
                "norm": "batch",
                "dropout": True,
                "test_dropout": True,
                "test_statistics": "picture",
            },
        ),
        (KerasExampleGenerator, {"n_blocks": 0}),
    ],
)
def test_any_size_and_batch_as_keras_by_the_documented_names(kind, arguments, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    generator = kind(ngf=2, **arguments)
    session = runtime.InferenceSession(str(export_onnx(generator, tmp_path / "g.onnx")))
    (image,) = session.get_inputs()
    (translation,) = session.get_outputs()
    assert (image.name, translation.name) == ("images", "translations")
    assert image.shape == ["batch", "height", "width", generator.input_shape[-1]]
    assert translation.shape == ["batch", "height", "width", generator.output_shape[-1]]
    for size in ((1, 16, 24), (2, 8, 32)):
        shape = (*size, generator.input_shape[-1])
        x = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
        (found,) = session.run(["translations"], {"images": x})
        np.testing.assert_allclose(found, generator(x), atol=1e-4)


@pytest.mark.slow
def test_twelve_bits_of_gray_are_kept(tmp_path):
    """What the file adds to the network's own error is less than a level of 4095."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    values = Values(dtype="uint16", low=0, high=4095)
    generator = ResNetGenerator(
        ngf=4, n_blocks=1, init_gain=0.2, input_channels=1, output_channels=1
    )
    generator.description = Description.of(
        generator,
        source_values=values,
        target_values=values,
        training={"options": {"dataset": "/data/alice/slices"}},
    )
    session = runtime.InferenceSession(str(export_onnx(generator, tmp_path / "g.onnx")))
    numbers = np.random.default_rng(0).integers(0, 4096, (1, 16, 24, 1)).astype("uint16")
    x = values.to_network(numbers)
    (found,) = session.run(["translations"], {"images": x})
    np.testing.assert_allclose(found, generator(x), rtol=0, atol=2 / 4095)
    about = json.loads(session.get_modelmeta().custom_metadata_map["cyclegan_keras"])
    assert about["source_values"] == values.to_dict()
    assert about["training"] == {"options": {"dataset": "slices"}}


def test_a_missing_package_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ExportError, match=r'pip install "cyclegan-keras\[export\]"'):
        export_onnx(ResNetGenerator(ngf=2, n_blocks=1), tmp_path / "g.onnx")


@pytest.mark.slow
def test_every_direction_is_written_and_compared_with_keras(make_job, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    exported = write_onnx(make_job(tmp_path))
    paths = [tmp_path / "onnx" / "generator_g.onnx", tmp_path / "onnx" / "generator_f.onnx"]
    assert [each.path for each in exported] == paths
    assert [each.direction for each in exported] == list(Direction)
    for each in exported:
        assert each.path.exists()
        assert each.is_good
        assert each.facts["max_abs_error"] < 0.01
        assert len(each.samples) == 2


def test_pictures_are_made_to_fit():
    image = np.zeros((22, 30, 3), "uint8")
    deep = np.zeros((22, 30, 1), "float32")
    assert fitting_input(ResNetGenerator(ngf=2, n_blocks=0), deep).shape == (1, 20, 28, 1)
    assert fitting_input(ResNetGenerator(ngf=2, n_blocks=0), image).shape == (1, 20, 28, 3)
    assert fitting_input(UNetGenerator(ngf=2, n_downs=5), image).shape == (1, 32, 32, 3)
