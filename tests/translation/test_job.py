import errno
import os
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.files.errors import WriteError
from cyclegan_keras.images.first_reading import read_picture
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.writing import write_picture
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation import job, opening
from cyclegan_keras.translation.job import run_job
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.loading import load_picture
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe, translate_picture
from cyclegan_keras.translation.translator import Translator

GENERATOR = ResNetGenerator(ngf=2, n_blocks=1, init_gain=0.2)
RECIPE = Recipe(translator=opening.translator_of(GENERATOR))
SIZES = [(8, 12), (8, 12), (9, 5), (8, 12), (9, 5), (1, 1), (8, 12), (8, 12)]


def made(folder, sizes=SIZES):
    random = np.random.default_rng(0)
    folder.mkdir()
    for index, size in enumerate(sizes):
        pixels = random.integers(0, 256, (*size, 3)).astype("uint8")
        write_picture(Picture(pixels=pixels), folder / f"{index}.png")
    return [Task(path, folder.parent / "out" / path.name) for path in sorted(folder.iterdir())]


def watched(log, network=lambda x: -x, **more):
    """A translator that logs how many pictures of what size it gets."""

    def call(images):
        log.append(images.shape[:3])
        return network(images)

    return Recipe(translator=Translator(call, Description(), **more))


@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_a_job_is_what_each_picture_alone_would_be(batch_size, tmp_path):
    tasks = made(tmp_path / "in")
    outcome = run_job(tasks, RECIPE, TranslateOptions(batch_size=batch_size))
    assert (outcome.written, outcome.failed) == (len(SIZES), [])
    for task in tasks:
        alone = translate_picture(RECIPE.translator, read_picture(task.source)).pixels
        difference = np.abs(read_picture(task.target).pixels.astype(int) - alone)
        assert difference.max() <= 1
        assert (difference != 0).mean() < 0.01


@pytest.mark.parametrize("ngf", [4, 8, 12])
def test_files_do_not_show_which_pictures_went_together(ngf, tmp_path):
    network = ResNetGenerator(ngf=ngf, n_blocks=0, init_gain=0.2)
    recipe = Recipe(translator=opening.translator_of(network))
    tasks = made(tmp_path / "in", [(24, 32)] * 9)
    run_job(tasks, recipe, TranslateOptions())
    together = [task.target.read_bytes() for task in tasks]
    for task in reversed(tasks):
        run_job([task], recipe, TranslateOptions())
    assert [task.target.read_bytes() for task in tasks] == together


def test_pictures_of_one_size_go_together(tmp_path):
    tasks, log = made(tmp_path / "in"), []
    run_job(tasks, watched(log), TranslateOptions(batch_size=3))
    assert log == [(3, 8, 12), (2, 9, 5), (1, 1, 1), (2, 8, 12)]


def test_batches_hold_no_more_pixels_than_the_translator_takes(tmp_path):
    tasks, log = made(tmp_path / "in", [(8, 12)] * 5), []
    recipe = watched(log, tiled=lambda x: -x, most_pixels=2 * 96 + 95)
    run_job(tasks, recipe, TranslateOptions(batch_size=4))
    assert log == [(2, 8, 12), (2, 8, 12), (1, 8, 12)]


def test_damaged_pictures_are_named_and_passed_over(tmp_path, caplog):
    tasks = made(tmp_path / "in")
    tasks[2].source.write_bytes(b"")
    tasks[4].source.write_bytes(tasks[4].source.read_bytes()[:60])
    outcome = run_job(tasks, RECIPE, TranslateOptions())
    assert outcome.written == len(SIZES) - 2
    assert [str(tasks[i].source) in outcome.failed[n] for n, i in enumerate((2, 4))] == [True] * 2
    assert [task.target.exists() for task in tasks].count(False) == 2


def test_a_picture_that_the_network_fails_at_does_not_take_its_batch_along(tmp_path):
    tasks = made(tmp_path / "in", [(8, 12)] * 4)
    bad = to_float(read_picture(tasks[1].source).pixels)

    def network(images):
        if len(images) > 2:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return np.where((images == bad).all(axis=(1, 2, 3), keepdims=True), np.nan, images)

    outcome = run_job(tasks, watched([], network), TranslateOptions(batch_size=4))
    assert outcome.written == 3
    assert outcome.failed == [f"{tasks[1].source}: The model returns values that are not finite."]


def test_what_a_format_cannot_hold_is_logged_once(tmp_path, caplog):
    folder = tmp_path / "in"
    folder.mkdir()
    clear = Picture(pixels=np.zeros((4, 4, 3), "uint8"), alpha=np.zeros((4, 4), "uint8"))
    tasks = []
    for index in range(3):
        write_picture(clear, folder / f"{index}.png")
        tasks.append(Task(folder / f"{index}.png", tmp_path / f"{index}.jpg"))
    with caplog.at_level("INFO", "absl"):
        run_job(tasks, RECIPE, TranslateOptions())
    assert [r.getMessage() for r in caplog.records if "over white" in r.getMessage()] == [
        f"{tasks[0].source}: JPEG holds no transparency: it is laid over white. (Shown once.)"
    ]


def test_pictures_that_look_black_are_noted_once(tmp_path, caplog):
    tasks = []
    for index in range(3):
        levels = np.full((4, 4, 1), 4000 + index, "uint16")
        write_picture(Picture(pixels=levels), tmp_path / f"{index}.png")
        tasks.append(Task(tmp_path / f"{index}.png", tmp_path / "out" / f"{index}.png"))
    with caplog.at_level("INFO", "absl"):
        run_job(tasks, RECIPE, TranslateOptions())
    notes = [record.getMessage() for record in caplog.records if "black" in record.getMessage()]
    assert notes == [
        f"{tasks[0].source}: It holds 4000 to 4000 of 65535, which the model sees as nearly black: "
        "scale it first, or train with --value_range. (Shown once.)"
    ]


def test_stopping_ends_after_a_batch_and_leaves_whole_files(tmp_path):
    tasks, asked = made(tmp_path / "in", [(8, 12)] * 6), []

    def stopped():
        asked.append(None)
        return len(asked) > 2

    outcome = run_job(tasks, RECIPE, TranslateOptions(batch_size=1), stopped=stopped)
    assert outcome.written == 2
    assert sorted(os.listdir(tmp_path / "out")) == ["0.png", "1.png"]


def test_a_full_disk_ends_the_job_with_a_sentence(tmp_path, monkeypatch):
    tasks = made(tmp_path / "in", [(8, 12)] * 6)
    real, written = os.fsync, []

    def fsync(number):
        written.append(number)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(WriteError, match=r"No space left on device\..* What is written is whole"):
        run_job(tasks, RECIPE, TranslateOptions(batch_size=1))
    assert len(os.listdir(tmp_path / "out")) == 2


def test_a_folder_that_cannot_be_made(tmp_path):
    tasks = made(tmp_path / "in")
    (tmp_path / "out").touch()
    with pytest.raises(WriteError, match=r"Cannot write to .*out: "):
        run_job(tasks, RECIPE, TranslateOptions())


@pytest.fixture
def seen(monkeypatch):
    """What is read and written, and by which threads."""
    log = []

    def noted(real):
        def call(*args, **more):
            log.append((real.__name__, threading.current_thread()))
            return real(*args, **more)

        return call

    for real in (load_picture, write_picture):
        monkeypatch.setattr(job, real.__name__, noted(real))
    return log


def test_no_more_is_read_ahead_than_memory_allows(tmp_path, seen, monkeypatch):
    monkeypatch.setattr(job, "AHEAD_PIXELS", 500)
    tasks, ahead = made(tmp_path / "in", [(10, 10)] * 30), []

    def read():
        return sum(name == "load_picture" for name, _ in seen)

    def network(images):
        time.sleep(0.005)
        done, end = len(ahead), time.monotonic() + 60
        while read() < min(done + 2, len(tasks)) and time.monotonic() < end:
            time.sleep(0.001)
        ahead.append(read() - done)
        return images

    run_job(tasks, watched([], network), TranslateOptions(batch_size=1))
    assert 2 <= max(ahead) <= 500 // 100 + 2


def test_reading_and_writing_happen_beside_the_network(tmp_path, seen):
    run_job(made(tmp_path / "in"), RECIPE, TranslateOptions())
    assert len(seen) == 2 * len(SIZES)
    assert threading.main_thread() not in {thread for _, thread in seen}
