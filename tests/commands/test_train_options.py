"""Which run a training command means, and what may differ when it is continued."""

import dataclasses
import json
import types

import pytest

from cyclegan_keras.commands.train import fill_in
from cyclegan_keras.commands.train_setup import (
    default_directory,
    refuse_contradiction,
    resolve_options,
)
from cyclegan_keras.files.errors import OptionError, RunError
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


@pytest.mark.parametrize(
    ("saved", "typed", "expected"),
    [
        ({}, {"norm": "none"}, False),  # as in the reference
        ({}, {"norm": "none", "use_bias": True}, True),
        ({}, {}, None),  # instance norm leaves no choice
        ({"norm": "none"}, {}, True),  # a run from before there was a choice
        ({"norm": "none", "use_bias": False}, {}, False),
        ({"norm": "instance"}, {}, None),
    ],
)
def test_biases_without_a_norm(saved, typed, expected, tmp_path):
    if saved:
        (tmp_path / "options.json").write_text(json.dumps(saved))
    data = types.SimpleNamespace(options=None, steps_per_epoch=3, sizes={(64, 64)})
    setup = resolve_options({"dataset": "demo/ponies", "run_dir": str(tmp_path), **typed})
    assert fill_in(setup.options, data)["networks"].use_bias is expected


def test_biases_that_a_norm_does_not_leave_open():
    typed = {"dataset": "demo/ponies", "norm": "batch", "use_bias": True}
    with pytest.raises(OptionError, match="--norm=batch convolutions never have a bias"):
        resolve_options(typed)
