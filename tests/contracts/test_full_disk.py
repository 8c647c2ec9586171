"""A full disk is a sentence, whoever writes: it names the path and says what to do."""

import fractions
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.beam.journal import Journal, Worker
from cyclegan_keras.evaluation import pages, tables
from cyclegan_keras.evaluation.best import KeepBest
from cyclegan_keras.files.errors import SaveError, WriteError
from cyclegan_keras.files.writing import writing
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.writing import write_picture
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.report.page import write_report
from cyclegan_keras.runs.networks import save_generators, save_snapshot
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tensorboard import TensorBoard
from cyclegan_keras.training.callbacks import Samples
from cyclegan_keras.translation.record import Record
from cyclegan_keras.translation.video_color import SRGB_COLORS
from cyclegan_keras.translation.video_writing import Frame, VideoWriter, video_to_write
from cyclegan_keras.weights.networks import save_pth, save_safetensors
from pipelines.pairs import side_by_side
from pipelines.slices.slice_files import write_slice

GRAY = Picture(pixels=np.zeros((16, 16, 3), "uint8"))


NETWORK = ResNetGenerator(ngf=2, n_blocks=1)


class Model:
    """Stands in for a trainer: a step, a generator and its translations."""

    step = 1
    translators: ClassVar = {"x_to_y": "generator_g"}
    needs_pairs = False

    def generator(self, direction):
        return NETWORK

    def translate(self, images, direction):
        return -images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what the writers read, written before the disk is full."""
    folder = tmp_path_factory.mktemp("full")
    Run(folder / "run").create()
    (folder / "job").mkdir()
    for name in ("a", "b"):
        (folder / name).mkdir()
        write_picture(GRAY, folder / name / "1.png")
    return folder


def write_samples(folder):
    board = TensorBoard(folder / "run" / "tensorboard")
    pictures = {name: np.zeros((1, 8, 8, 3), "float32") for name in "xy"}
    samples = Samples(Run(folder / "run"), board, every=1, pictures=pictures)
    samples.set_model(Model())
    samples.step = 1
    samples.draw()


def keep_best(folder):
    board = TensorBoard(folder / "run" / "tensorboard")
    best = KeepBest(Run(folder / "run"), board, every=1, pictures={"x_to_y": None}, network=None)
    best.set_model(Model())
    best.keep(0.5, {})


def write_video(folder):
    with video_to_write(folder / "a.mp4", folder / "v.mp4") as container:
        writer = VideoWriter(container, name="a.mp4", rate=fractions.Fraction(5), crf=20)
        second = fractions.Fraction(1)
        frame = Frame(pixels=GRAY.pixels, colors=SRGB_COLORS, pts=0, time_base=second, duration=1)
        writer.add_frame(frame)
        writer.finish()


WRITERS = {
    "run/options.json": lambda at: Run(at / "run").save_options({"seed": 0}),
    "run/facts.json": lambda at: Run(at / "run").save_facts({"data": {}}),
    "run/metrics.jsonl": lambda at: Run(at / "run").append_metrics({"step": 1}),
    "run/doctor.jsonl": lambda at: Run(at / "run").append_check({"step": 1}),
    "run/checkpoints/step_000000001.npz": lambda at: Run(at / "run").save(1, {"a": np.zeros(9)}),
    "run/samples/step_000000001.png": write_samples,
    "run/tensorboard": lambda at: TensorBoard(at / "run" / "tensorboard").scalars(1, {"a": 1.0}),
    "evaluation.json": lambda at: tables.write(at, [], {"model": "a"}),
    "r.html": lambda at: write_report(
        at / "r.html", title="a", summary={}, measures={}, examples=[], curves={}
    ),
    "p.png": lambda at: write_picture(GRAY, at / "p.png"),
    "v.mp4": write_video,
    ".translation.json": lambda at: Record(at, {}).begin(overwrite=True),
    "job": lambda at: [Worker(at / "job").written(), Journal(at / "job")],
    "run/generator_g.keras": lambda at: save_generators(Model(), Run(at / "run")),
    "run/snapshots/.step_000000001.partial/generator_g.keras": lambda at: save_snapshot(
        Model(), Run(at / "run")
    ),
    "run/best/generator_g.keras": keep_best,
    "w.pth": lambda at: save_pth(NETWORK, at / "w.pth"),
    "w.safetensors": lambda at: save_safetensors(NETWORK, at / "w.safetensors"),
    "joined/1.png": lambda at: side_by_side.combine(at / "a", at / "b", at / "joined"),
    "s.tiff": lambda at: write_slice(np.zeros((4, 4), "int16"), at / "s.tiff", None),
    "s.npy": lambda at: write_slice(np.zeros((4, 4), "int16"), at / "s.npy", None),
    "tf": lambda at: write_by_tensorflow(at / "tf"),
}


def write_by_tensorflow(path):
    with writing(path):
        tf.io.write_file(str(path), "a" * 9)


@pytest.mark.parametrize("written", WRITERS)
def test_a_full_disk_names_the_path(folder, written, limited_file_size, capsys):
    with limited_file_size(0), pytest.raises((WriteError, SaveError)) as caught:
        WRITERS[written](folder)
    sentence = str(caught.value)
    assert str(folder / written) in sentence
    assert "File too large" in sentence
    assert "ulimit" in sentence
    assert caught.value.exit_code == 1
    assert not list(folder.rglob("*.partial*"))


def write_page(folder):
    path = folder / "r.html"
    pages.write_page(path, [], facts={"model": "a"}, curves={}, network=None, count=1)


# What makes folders below the one that it is given.
MAKERS = {
    "evaluation": lambda at: tables.write(at / "evaluation", [], {}),
    "page": write_page,
    "picture pair": lambda at: side_by_side.combine(at.parent / "a", at.parent / "b", at),
    "slice": lambda at: write_slice(np.zeros((4, 4), "int16"), at / "s.npy", None),
    "snapshot": lambda at: save_snapshot(Model(), Run(at)),
    "lock": lambda at: Run(at).locked().__enter__(),
}


@pytest.mark.parametrize("made", MAKERS)
def test_a_file_in_the_way_of_a_folder_is_named(folder, made):
    (folder / "file").touch()
    with pytest.raises(WriteError) as caught:
        MAKERS[made](folder / "file")
    sentence = str(caught.value)
    assert sentence.startswith(f"Cannot write to {folder / 'file'}")
    assert "Errno" not in sentence


def test_a_snapshot_that_cannot_appear_is_named(folder):
    snapshot = folder / "run" / "snapshots" / "step_000000001"
    snapshot.parent.mkdir(exist_ok=True)
    snapshot.touch()
    with pytest.raises(WriteError, match=f"^Cannot write to {snapshot}: Not a directory"):
        save_snapshot(Model(), Run(folder / "run"))
    assert list(snapshot.parent.iterdir()) == [snapshot]
