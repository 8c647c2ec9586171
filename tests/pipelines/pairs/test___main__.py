import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from pipelines.pairs.__main__ import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """photos and labels, each with train/1.png; everything is typed relative to them."""
    for name in ("photos", "labels"):
        (tmp_path / name / "train").mkdir(parents=True)
        color = "white" if name == "photos" else "red"
        Image.new("RGB", (6, 4), color).save(tmp_path / name / "train" / "1.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_and_back(folder, capsys):
    assert main(["combine", "photos", "labels", "--output=set"]) == 0
    out = capsys.readouterr().out
    assert out == "Wrote 1 pictures to set.\nTrain on them by --dataset=set.\n"
    assert main(["split", "set", "--output=apart"]) == 0
    assert (
        "Wrote 2 pictures to apart.\nTrain on them by --dataset=apart." in capsys.readouterr().out
    )
    for domain, name in (("A", "photos"), ("B", "labels")):
        with (
            Image.open(folder / "apart" / f"train{domain}" / "1.png") as image,
            Image.open(folder / name / "train" / "1.png") as original,
        ):
            np.testing.assert_array_equal(np.asarray(image), np.asarray(original))


def test_a_split_of_its_own(folder, capsys):
    words = ["combine", "photos/train", "labels/train", "--output=set/train", "--format=jpeg"]
    assert main(words) == 0
    assert (folder / "set" / "train" / "1.jpg").is_file()
    assert "Train on them by --dataset=set." in capsys.readouterr().out


def test_errors_are_sentences(folder, capsys):
    assert main(["combine", "photos", "nowhere", "--output=set"]) == 2
    assert (
        capsys.readouterr().err == "pairs: nowhere is not a folder: name one that holds pictures.\n"
    )
    (folder / "set").write_text("a file")
    assert main(["combine", "photos", "labels", "--output=set"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("pairs: Cannot write to set")


def test_help_shows_an_example(capsys):
    for command in ([], ["combine"], ["split"]):
        with pytest.raises(SystemExit) as stop:
            main([*command, "--help"])
        assert stop.value.code == 0
        assert "cyclegan-pairs" in capsys.readouterr().out.split("usage:")[1][20:]


@pytest.mark.slow
@pytest.mark.process
def test_as_a_command(folder):
    (folder / "photos" / "notes.txt").write_text("no picture")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.pairs", "combine", "photos", "labels", "--output=set"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "Passed over 1 file of photos: 1 text." in done.stderr
    assert (folder / "set" / "train" / "1.png").is_file()
