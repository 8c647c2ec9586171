"""Real steps of every method, small."""

import dataclasses
import functools

import keras
import pytest

from cyclegan_keras.cli import presets
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.planning import measuring
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.training.options import METHOD_OPTIONS, OptimizerOptions


def spec(method, run, nce_layers):
    own = presets.METHOD_DEFAULTS[method]
    small = {"generator": "resnet_3blocks", "ngf": 2, "ndf": 2, "discriminator": "pixel"}
    options = METHOD_OPTIONS[method]
    own = {**own, "nce_layers": nce_layers}
    names = {field.name for field in dataclasses.fields(options)}
    return {
        "run": dataclasses.asdict(RunOptions(method=method, **run)),
        "objective": dataclasses.asdict(options(**{k: v for k, v in own.items() if k in names})),
        "networks": dataclasses.asdict(NetworkOptions(**small)),
        "optimizer": dataclasses.asdict(OptimizerOptions()),
    }


@pytest.mark.parametrize("method", ["cyclegan", "pix2pix", "cut"])
def test_probes_of_several_shapes_share_a_graph(method, monkeypatch):
    shallow = functools.partial(ResNetGenerator.from_options, n_blocks=0)
    monkeypatch.setitem(GENERATORS, "resnet_3blocks", shallow)
    shapes = [(1, 16, 16), (1, 24, 16), (2, 24, 16)]
    trainer = measuring.build(spec(method, {"mixed_precision": "bfloat16"}, nce_layers="0,4"))
    traced, begun = [], trainer.train_step
    monkeypatch.setattr(trainer, "train_step", lambda data: traced.append(data) or begun(data))

    climbing = measuring.climb(trainer, shapes, rows=2, seconds=0.0)
    probes, once = [next(climbing)], len(traced)
    probes += climbing
    assert [probe.shape for probe in probes] == shapes[:2]
    assert all(
        0 < probe.seconds < 5 and probe.peak > 1e8 and probe.looking > 1e8 for probe in probes
    )
    assert len(traced) == once > 0
    assert trainer.step >= 6
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
