"""The command that looks at pictures, and what a training makes of it."""

import io
import json
import re
import shlex
import signal
import subprocess
import sys
import tarfile
import threading
import time

import numpy as np
import pytest
import tifffile
from drawn_folders import noise, write_ponies
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cyclegan_keras.cli import flags
from cyclegan_keras.commands import check_data, train
from cyclegan_keras.data_doctor import looking
from cyclegan_keras.files.errors import DataError, OptionError
from cyclegan_keras.runs.run import Run
from pipelines.options import DataOptions
from pipelines.sources import datasets, demo
from pipelines.sources.files import FilePictures
from pipelines.sources.tfds import EncodedPictures

HOSTILE = ["<script>alert(1)<", "new\nline", "'\"&amp;"]
if sys.platform == "linux":
    HOSTILE.append("caf\udce9")  # as Python shows bytes that are not UTF-8


@pytest.fixture
def folder(tmp_path):
    """A few pictures of two domains, which are too few, and one of them is damaged."""
    write_ponies(tmp_path / "photos" / "trainA", 4, striped=False, stream=demo.TRAIN_A)
    write_ponies(tmp_path / "photos" / "trainB", 4, striped=True, stream=demo.TRAIN_B)
    (tmp_path / "photos" / "trainA" / "broken.jpg").write_bytes(b"")
    return tmp_path / "photos"


def found_in(report):
    found = json.loads(report.with_suffix(".json").read_text())
    return {finding["kind"]: finding for finding in found["findings"]}


def test_exit_codes(folder, capsys):
    assert check_data.run(dataset=str(folder)) == 0
    assert "Serious: Pictures that cannot be read: 1 of 5 in trainA" in capsys.readouterr().out
    assert check_data.run(dataset=str(folder), strict=True) == 1
    (folder / "trainA" / "broken.jpg").unlink()
    assert check_data.run(dataset=str(folder), strict=True) == 0  # few pictures are not serious
    printed = capsys.readouterr().out
    assert "Few training pictures" in printed
    assert re.search(r"\n[12] findings?\.\n", printed)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, DataError, "No --dataset given"),
        ({"dataset": "nowhere"}, DataError, "neither a folder that exists"),
        ({"report": "."}, OptionError, "is a folder"),
        ({"report": "data.pdf"}, OptionError, "HTML page"),
        ({"load_size": 32, "crop_size": 64}, DataError, "--load_size=32 is smaller"),
        ({"pairs": "no.csv"}, DataError, "cannot be read"),
        ({"paired": True}, DataError, "without a partner"),
    ],
)
def test_what_cannot_be_looked_at_gets_a_sentence(options, error, words, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    given = options if not options else {"dataset": "photos", **options}
    with pytest.raises(error, match=words):
        check_data.run(**given)


@pytest.mark.parametrize("missing", ["trainB", "both", "pictures"])
def test_incomplete_folders(missing, folder):
    for name in {"trainB": ["trainB"], "both": ["trainA", "trainB"], "pictures": []}[missing]:
        (folder / name).rename(folder / f"old_{name}")
    if missing == "pictures":
        for path in (folder / "trainB").iterdir():
            path.unlink()
    with pytest.raises(DataError, match="trainB"):
        check_data.run(dataset=str(folder))


def test_dry_run_looks_at_nothing(folder, capsys):
    assert check_data.run(dataset=str(folder), dry_run=True) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["sets"] == {"trainA": 5, "trainB": 4}


def test_hostile_names(folder, tmp_path, capsys):
    for number, name in enumerate(HOSTILE):
        Image.fromarray(noise(8, 8, 3, seed=number)).save(folder / "trainA" / f"{name}.png")
        Image.fromarray(noise(8, 8, 3, seed=number)).save(folder / "trainA" / f"{name}2.png")
    report = tmp_path / "page" / "data.html"
    assert check_data.run(dataset=str(folder), report=str(report), crop_size=64) == 0
    page = report.read_text()
    assert "<script" not in page
    assert found_in(report)["duplicates"]["counts"] == {"trainA": 2 * len(HOSTILE)}
    lines = (report.parent / "data.duplicates.txt").read_bytes().splitlines()
    assert len(lines) == len(HOSTILE) - 1  # the name with a line break is no line
    assert all(b"trainA/" in line for line in lines)


def test_deep_pictures_and_arrays(tmp_path, capsys):
    for name, seed in (("trainA", 0), ("trainB", 100)):
        (tmp_path / name).mkdir()
        for number in range(6):
            deep = noise(16, 16, 5, seed=seed + number, high=4096, dtype="uint16")
            tifffile.imwrite(tmp_path / name / f"{number}.tif", deep, planarconfig="contig")
    np.save(tmp_path / "trainA" / "last.npy", noise(16, 16, 5, seed=50, high=4096, dtype="uint16"))
    assert check_data.run(dataset=str(tmp_path), report=str(tmp_path / "data.html")) == 0
    assert found_in(tmp_path / "data.html").keys() == {"few", "tiny"}


def test_pairs_side_by_side(tmp_path):
    (tmp_path / "train").mkdir()
    for number in range(5):
        half = noise(16, 16, 3, seed=number)
        other = half if number == 2 else noise(16, 16, 3, seed=100 + number)
        Image.fromarray(np.hstack([half, other])).save(tmp_path / "train" / f"{number}.png")
    Image.fromarray(noise(16, 33, 3, seed=7)).save(tmp_path / "train" / "odd.png")
    (tmp_path / "train" / "twice.png").write_bytes((tmp_path / "train" / "3.png").read_bytes())
    report = tmp_path / "data.html"
    assert check_data.run(dataset=str(tmp_path), report=str(report), crop_size=16) == 0
    found = found_in(report)
    assert found.keys() == {"unequal_pairs", "equal_pairs", "duplicates", "few"}
    assert found["equal_pairs"]["pictures"][0]["names"] == ["train/2.png", "train/2.png"]
    assert found["duplicates"]["counts"] == {"trainA": 2, "trainB": 2}


@pytest.fixture
def pairs(tmp_path):
    """Pairs by name: 1 is also a test pair, 3 is 2 again, 5 has the A of 4, 7 the B of 6."""
    folder = tmp_path / "pairs"
    for name in ("trainA", "trainB", "testA", "testB"):
        (folder / name).mkdir(parents=True)
    seeds = {1: (1, 51), 2: (2, 52), 3: (2, 52), 4: (4, 54), 5: (4, 55), 6: (6, 56), 7: (7, 56)}
    for number, (seed_a, seed_b) in seeds.items():
        Image.fromarray(noise(16, 16, 3, seed=seed_a)).save(folder / "trainA" / f"{number}.png")
        Image.fromarray(noise(16, 16, 3, seed=seed_b)).save(folder / "trainB" / f"{number}.png")
    Image.fromarray(noise(16, 16, 3, seed=1)).save(folder / "testA" / "1.png")
    Image.fromarray(noise(16, 16, 3, seed=99)).save(folder / "testB" / "1.png")
    return folder


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="GNU tar is the tar of Linux")
def test_lists_of_pairs_leave_pairs(pairs, tmp_path):
    """What the page says is done: the archive has both sides, and what stays is still pairs."""
    report = tmp_path / "data.html"
    options = {"dataset": str(pairs), "report": str(report), "paired": True, "crop_size": 16}
    assert check_data.run(**options) == 0
    found = found_in(report)
    assert found["duplicates"]["counts"] == {"trainA": 4, "trainB": 4}  # 5 and 7 are found too
    lists = {kind: report.parent / f"data.{kind}.txt" for kind in ("leak", "duplicates")}
    for kind, number in (("leak", 1), ("duplicates", 3)):
        expected = [str(pairs / name / f"{number}.png") for name in ("trainA", "trainB")]
        assert lists[kind].read_text().splitlines() == expected

    commands = re.findall(r"<code>(tar -rf [^<]*)</code>", report.read_text())
    assert len(commands) == len(lists)
    for command in commands:
        subprocess.run(shlex.split(command), cwd=tmp_path, check=True)
    with tarfile.open(tmp_path / "set_aside.tar") as archive:
        assert len(archive.getnames()) == 4
    assert len(datasets.find(str(pairs), paired=True).train_a) == 5

    # Lists that no longer apply are gone, and nothing else is.
    (tmp_path / "data.notes.txt").touch()
    assert check_data.run(**options) == 0
    assert sorted(path.name for path in tmp_path.glob("data.*")) == [
        "data.html",
        "data.json",
        "data.notes.txt",
    ]


def test_the_command_that_a_training_names_is_the_same_check(pairs, tmp_path):
    options = DataOptions(
        dataset=str(pairs), crop_size=16, direction="BtoA", value_range="-1,1", flip=False
    )
    words = shlex.split(check_data.command_for(options, paired=True))
    assert words[:2] == ["python", "check_data.py"]
    typed = flags.parse(words[1:], check_data.GROUPS, "")
    assert typed == {
        "dataset": str(pairs),
        "crop_size": 16,
        "direction": "BtoA",
        "value_range": "-1,1",
        "paired": True,
        "report": "data.html",
    }


def test_listed_pairs(folder, tmp_path):
    listed = ["A,B", "photos/trainA/000.png,photos/trainB/001.png"]
    (tmp_path / "pairs.csv").write_text("\n".join(listed) + "\n")
    report = tmp_path / "data.html"
    options = {"dataset": str(folder), "pairs": str(tmp_path / "pairs.csv"), "crop_size": 64}
    assert check_data.run(report=str(report), **options) == 0
    assert found_in(report).keys() == {"unreadable", "few"}  # pairs may be among the others


def test_pictures_of_an_archive_are_compared_too():
    files = []
    for number in (0, 1, 2, 1):
        file = io.BytesIO()
        Image.fromarray(noise(16, 16, 3, seed=number)).save(file, "PNG")
        files.append(file.getvalue())
    pictures = EncodedPictures(["a", "b", "c", "d"], files)
    archive = check_data.picture_set("train", "A", pictures, paired=False)
    seen = looking.look_at_some([archive], looking.Budget(10), seed=0)
    assert [[place.number for place in group] for group in seen.equal] == [[1, 3]]


def test_a_quick_look_ends_in_time_and_says_what_was_left_out(folder, monkeypatch, capsys):
    read = FilePictures.picture

    def read_slowly(self, *arguments):
        time.sleep(0.15)
        return read(self, *arguments)

    monkeypatch.setattr(FilePictures, "picture", read_slowly)
    monkeypatch.setattr(looking.os, "cpu_count", lambda: 1)
    begin = time.monotonic()
    assert check_data.run(dataset=str(folder), mode="quick", seconds=0.5) == 0
    assert time.monotonic() - begin < 2
    out = capsys.readouterr().out
    assert "All files were opened, and " in out
    assert "of 9 pictures decoded" in out


def test_interrupted(folder, monkeypatch, tmp_path, capsys):
    read, sent = FilePictures.picture, []

    def interrupt(self, index, channels=None):
        if index == 2 and not sent:
            sent.append(index)
            interruption = signal.getsignal(signal.SIGINT).__self__
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            while not interruption.requested():
                time.sleep(0.01)
        return read(self, index, channels)

    monkeypatch.setattr(FilePictures, "picture", interrupt)
    monkeypatch.setattr(looking.os, "cpu_count", lambda: 1)
    report = tmp_path / "data.html"
    assert check_data.run(dataset=str(folder), report=str(report)) == 128 + signal.SIGINT
    assert "interrupted" in report.read_text()
    assert json.loads(report.with_suffix(".json").read_text())["interrupted"] is True


@pytest.mark.slow
@pytest.mark.usefixtures("small_and_without_graphs")
def test_a_training_keeps_what_was_found(folder, tmp_path, caplog):
    options = {
        "dataset": str(folder),
        "run_dir": str(tmp_path / "run"),
        "load_size": 18,
        "crop_size": 16,
        "generator": "resnet_3blocks",
        "discriminator": "pixel",
        "ngf": 2,
        "ndf": 2,
        "n_epochs": 1,
        "n_epochs_decay": 0,
        "steps_per_epoch": 1,
        "sample_count": 1,
    }
    caplog.set_level("INFO", logger="absl")
    assert train.run(**options) == 0
    logged = [line for line in caplog.messages if "trainA" in line or "check_data.py" in line]
    assert logged[-3:] == [
        "  Serious: Pictures that cannot be read: 1 of 5 in trainA",
        "  Few training pictures. There are 4 in trainA and 4 in trainB, fewer than 100.",
        f"What helps, with pictures: python check_data.py --dataset={folder} --load_size=18 "
        "--crop_size=16 --report=data.html",
    ]
    run = Run(tmp_path / "run")
    found = run.saved_data_check()
    assert found["mode"] == "quick"
    sentences = {finding["kind"]: finding["sentence"] for finding in found["findings"]}
    assert sentences.keys() == {"unreadable", "few"}
    assert "check_data" not in run.saved_options()

    events = EventAccumulator(str(run.tensorboard))
    events.Reload()
    (text,) = events.Tensors("data/few")
    assert text.step == 0
    assert text.tensor_proto.string_val[0].decode() == sentences["few"]

    # The pictures are looked at once in a run.
    written = (run.directory / "data_check.json").stat().st_mtime_ns
    assert train.run(**options) == 0
    assert (run.directory / "data_check.json").stat().st_mtime_ns == written
