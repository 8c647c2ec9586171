"""Which run a training command means, and what may differ when it is continued."""

import dataclasses
import json
import random
import types

import keras
import pytest
from made_runs import make_run

from cyclegan_keras.cli import flags
from cyclegan_keras.commands.train import fill_in
from cyclegan_keras.commands.train_setup import (
    default_directory,
    refuse_contradiction,
    resolve_options,
)
from cyclegan_keras.files.errors import OptionError, RunError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.runs.run import Run


def test_contradiction_names_the_options_and_the_way_out():
    fields = {field.name: field for field in dataclasses.fields(RunOptions)}
    saved = {"seed": 1, "log_every": 50, "method": "cyclegan"}
    refuse_contradiction({"seed": 1, "log_every": 7}, saved, fields, "runs/a")
    with pytest.raises(RunError, match=r"--seed=2 \(the run has 1\).*another --run_dir"):
        refuse_contradiction({"seed": 2}, saved, fields, "runs/a")


def test_augmentation_is_the_same_in_any_order(tmp_path):
    typed = {"dataset": "demo/ponies", "run_dir": str(tmp_path)}
    setup = resolve_options({**typed, "diff_augment": "cutout, color"})
    assert setup.options["cyclegan"].diff_augment == "color,cutout"
    Run(tmp_path).save_options(flags.flatten(setup.options, saved_only=True))
    resolve_options({**typed, "diff_augment": "color, cutout"})  # continues it
    with pytest.raises(RunError, match="--diff_augment=color,translation"):
        resolve_options({**typed, "diff_augment": "translation,color"})
    with pytest.raises(OptionError, match=r"--diff_augment=colour: .* Did you mean color"):
        resolve_options({**typed, "diff_augment": "colour"})
    with pytest.raises(OptionError, match="--diff_augment=3: expected text, or several"):
        resolve_options({**typed, "run_dir": str(tmp_path / "new"), "diff_augment": 3})


def test_a_weight_without_its_penalty_is_refused():
    typed = {"dataset": "demo/ponies", "lambda_r1": 5.0}
    with pytest.raises(OptionError, match=r"--lambda_r1=5.0 weighs a penalty that is off"):
        resolve_options(typed)
    assert resolve_options({**typed, "d_regularization": "r1"}).options["cyclegan"].lambda_r1 == 5


def test_networks_to_start_from_are_read_whatever_the_caller_has_chosen(tmp_path):
    """And its random numbers go on as if none had been drawn."""
    before = make_run(tmp_path / "before", {"generator_g": ResNetGenerator(ngf=2, n_blocks=3)})
    keras.config.set_dtype_policy("bfloat16")
    random.seed(7)
    expected = random.random()
    random.seed(7)
    typed = {"dataset": "demo/ponies", "init_from": str(before), "run_dir": str(tmp_path / "run")}
    network = resolve_options(typed).starting_networks["generator_g"]
    assert {weight.dtype for weight in network.weights} == {"float32"}
    assert random.random() == expected
    assert keras.config.dtype_policy().name == "bfloat16"


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
