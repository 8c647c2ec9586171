"""Real steps of every method, small, and what happens when a process cannot take any."""

import dataclasses
import functools
import shutil
import sys

import keras
import pytest

from cyclegan_keras.cli import presets
from cyclegan_keras.files.errors import PlanError
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.planning import measuring
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.training.options import METHOD_OPTIONS, OptimizerOptions


def spec(method, run, nce_layers):
    defaults = dict(presets.METHOD_DEFAULTS[method], nce_layers=nce_layers, lambda_identity=0.0)
    names = {field.name for field in dataclasses.fields(METHOD_OPTIONS[method])}
    objective = {name: value for name, value in defaults.items() if name in names}
    small = NetworkOptions(
        generator="resnet_3blocks", ngf=2, ndf=2, discriminator="pixel", norm="none"
    )
    return {
        "run": dataclasses.asdict(RunOptions(method=method, **run)),
        "objective": dataclasses.asdict(METHOD_OPTIONS[method](**objective)),
        "networks": dataclasses.asdict(small),
        "optimizer": dataclasses.asdict(OptimizerOptions()),
        "channels": {"x": 3, "y": 1} if method == "pix2pix" else {"x": 3, "y": 3},
    }


@pytest.mark.slow
@pytest.mark.usefixtures("unoptimized_graphs")
@pytest.mark.parametrize("method", ["cyclegan", "pix2pix", "cut"])
def test_steps_of_several_shapes_share_a_graph(method, monkeypatch):
    shallow = functools.partial(ResNetGenerator.from_options, n_blocks=0)
    monkeypatch.setitem(GENERATORS, "resnet_3blocks", shallow)
    shapes = [(1, 16, 16), (1, 24, 16), (2, 24, 16)]
    monkeypatch.setattr(measuring, "MOST_STEPS", 3)
    trainer = measuring.build_trainer(
        spec(method, {"mixed_precision": "bfloat16"}, nce_layers="0,4")
    )
    traced, train_step = [], trainer.train_step

    def noting_train_step(data):
        traced.append(data)
        return train_step(data)

    monkeypatch.setattr(trainer, "train_step", noting_train_step)

    measurements = measuring.measure_shapes(trainer, shapes, sample_count=2, seconds=0.0)
    measured = [next(measurements)]
    traces_of_the_first = len(traced)
    measured += measurements
    assert [steps.shape for steps in measured] == shapes[:2]
    for steps in measured:
        assert 0 < steps.seconds < 5
        assert steps.peak > 1e8
        assert steps.sample_grid_peak > 1e8
    assert len(traced) == traces_of_the_first > 0
    assert trainer.step >= 6
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


@pytest.mark.process
def test_a_process_that_ends_at_once_ends_in_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(PlanError, match=r"ended with 1 \(it said nothing\)\. Try a smaller --ngf"):
        measuring.measure({"this training": {}})
