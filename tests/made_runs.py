"""Run directories with networks that nobody has trained, for tests of what comes afterwards."""

import contextlib
import functools

import numpy as np
import pytest

from cyclegan_keras.runs.run import Run


@contextlib.contextmanager
def small_and_eager(n_blocks):
    """The generator `resnet_3blocks` has `n_blocks` blocks, and functions are not traced.

    A few steps or pictures take less time than tracing.
    """
    import tensorflow as tf

    from cyclegan_keras.models.resnet_generator import ResNetGenerator
    from cyclegan_keras.models.table import GENERATORS

    with pytest.MonkeyPatch.context() as patch:
        smaller = functools.partial(ResNetGenerator.from_options, n_blocks=n_blocks)
        patch.setitem(GENERATORS, "resnet_3blocks", smaller)
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


def make_run(folder, networks, *, step=5, facts=None, **options):
    """Writes a run whose last checkpoint, of `step`, holds `networks`; returns its directory.

    Args:
        folder: of the run.
        networks: name, as a trainer calls it -> network; generators have three blocks and ngf 2.
        step: of the checkpoint.
        facts: of facts.json.
        **options: of options.json, beside those that build the networks.
    """
    run = Run(folder)
    run.create()
    run.save_options({"generator": "resnet_3blocks", "ngf": 2, "direction": "AtoB", **options})
    if facts:
        run.save_facts(facts)
    state = {
        f"{name}/{index:03d}/{variable.name}": np.array(variable)
        for name, network in networks.items()
        for index, variable in enumerate(network.variables)
    }
    run.save(step, state)
    return run.directory
