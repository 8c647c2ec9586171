"""Which run a training command means, and what may differ when it is continued."""

import dataclasses

import pytest

from cyclegan_keras.commands.train import default_directory, refuse_contradiction
from cyclegan_keras.files.errors import RunError
from cyclegan_keras.runs.options import RunOptions


def test_contradiction_names_the_options_and_the_way_out():
    fields = {field.name: field for field in dataclasses.fields(RunOptions)}
    saved = {"seed": 1, "log_every": 50, "method": "cyclegan"}
    refuse_contradiction({"seed": 1, "log_every": 7}, saved, fields, "runs/a")
    with pytest.raises(RunError, match=r"--seed=2 \(the run has 1\).*another --run_dir"):
        refuse_contradiction({"seed": 2}, saved, fields, "runs/a")


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("cycle_gan/horse2zebra", "runs/cycle_gan-horse2zebra-cyclegan"),
        ("demo/ponies", "runs/demo-ponies-cyclegan"),
    ],
)
def test_default_directory_of_a_named_set(dataset, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / dataset).mkdir(parents=True)  # as TFDS makes it: the name must not change
    assert default_directory(dataset, "cyclegan", is_folder=False) == expected


@pytest.mark.parametrize("dataset", ["apples", "./apples/", "../{here}/apples"])
def test_default_directory_of_a_folder(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = dataset.format(here=tmp_path.name)
    assert default_directory(dataset, "cyclegan", is_folder=True) == "runs/apples-cyclegan"
