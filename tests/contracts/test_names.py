"""Names that are not UTF-8: files and folders of such names are read and written like others."""

import json
import sys

import numpy as np
import pytest

from cyclegan_keras.evaluation import tables
from cyclegan_keras.files.digest import sha256
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.writing import write_picture
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.report.page import write_report
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tensorboard import TensorBoard
from cyclegan_keras.translation.record import fingerprint
from cyclegan_keras.weights.networks import load_networks, save_pth
from pipelines.cache import DiskCache
from pipelines.pairs import side_by_side
from pipelines.slices.names import pseudonym
from pipelines.sources.files import FilePictures

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems take only names that are text"
)
NAME = "caf\udce9"  # as Python shows the bytes b"caf\xe9"
GRAY = Picture(pixels=np.zeros((8, 8, 3), "uint8"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / NAME
    folder.mkdir()
    write_picture(GRAY, folder / f"{NAME}.png")
    return folder


def read_and_pair(folder):
    pictures = FilePictures(folder)
    assert list(pictures.names)
    assert len(pictures.fingerprint()) == 64
    side_by_side.combine(folder, folder, folder / "joined")
    assert (folder / "joined" / f"{NAME}.png").exists()


def keep_in_a_cache(folder):
    cache = DiskCache(str(folder), 1)
    for _ in range(2):
        assert cache.get(NAME, lambda: np.ones(3)).sum() == 3


def write_a_run(folder):
    run = Run(folder / "run")
    run.create()
    run.save_options({"dataset": NAME})
    assert run.saved_options() == {"dataset": NAME}
    with TensorBoard(run.tensorboard) as board:
        board.scalars(1, {"a": 1.0})
    assert len(list(run.tensorboard.iterdir())) == 1


def write_an_evaluation(folder):
    tables.write(folder, [], {"model": NAME})
    assert json.loads((folder / "evaluation.json").read_text())["model"] == NAME
    assert "caf\\udce9" in (folder / "evaluation.md").read_text()
    write_report(folder / "r.html", title=NAME, summary={}, measures={}, examples=[], curves={})


def write_weights(folder):
    path = folder / f"{NAME}.pth"
    save_pth(ResNetGenerator(ngf=2, n_blocks=1), path)
    assert len(load_networks(path)) == 1


@pytest.mark.parametrize(
    "work",
    [
        read_and_pair,
        keep_in_a_cache,
        write_a_run,
        write_an_evaluation,
        write_weights,
        sha256,
        lambda folder: fingerprint(str(folder)),
        lambda folder: pseudonym(str(folder), "salt"),
    ],
)
def test_names_that_are_not_utf8_are_names_like_others(folder, work):
    work(folder)
