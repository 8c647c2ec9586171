"""Both backends side by side.

Keras has one backend in a process, so JAX's part, tests/on_jax.py, is a process of its own.
"""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from five_steps import BEFORE, STEPS, load, made, pictures, save, steps

pytest.importorskip("jax")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unoptimized_graphs")]
TESTS = pathlib.Path(__file__).resolve().parents[1]
AFTER = BEFORE + STEPS
PROGRAM = """
import pathlib, sys
sys.modules["tensorflow"] = None  # importing it fails, as where it is not installed
import on_jax
on_jax.main(pathlib.Path(sys.argv[1]), sys.argv[2:])
"""
TOGETHER = ("cyclegan", "pix2pix", "cut")  # trained by one process
LATER = ("fastcut",)  # CUT with other options
METHODS = [
    *TOGETHER,
    *[pytest.param(method, marks=pytest.mark.release) for method in LATER],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What TensorFlow has trained before, and what JAX makes of it; see tests/on_jax.py."""
    return tmp_path_factory.mktemp("steps")


@pytest.fixture(scope="module")
def together(folder):
    return train(folder, TOGETHER)


@pytest.fixture(scope="module")
def later(folder):
    return train(folder, LATER)


@pytest.fixture
def trainers(request, method):
    """The trainers among which is that of the method."""
    return request.getfixturevalue("later" if method in LATER else "together")


def train(folder, methods):
    """TensorFlow's trainers; their first steps, the next five and one more lie in the folder."""
    trainers = {}
    for method in methods:
        keras.utils.set_random_seed(1)
        trainers[method] = trainer = made(method)
        save(folder / f"{method}_before.npz", *steps(trainer, 0, BEFORE))
        if method == "cyclegan":
            trainer.generator("x_to_y").save(folder / "before.keras")
            np.save(folder / "before.npy", trainer.translate(pictures(0, 1)[0]["x"]))
        save(folder / f"{method}_there.npz", *steps(trainer, BEFORE, AFTER))
        save(folder / f"{method}_after.npz", *steps(trainer, AFTER, AFTER + 1))
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        # compiles sooner
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
    }
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder, *methods],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return trainers


@pytest.mark.process
@pytest.mark.parametrize("method", METHODS)
def test_five_steps_are_the_same(trainers, folder, method):
    expected_logs, expected_state = load(folder / f"{method}_there.npz")
    logs, state = load(folder / f"{method}_here.npz")
    assert logs.keys() == expected_logs.keys()
    for name, values in expected_logs.items():
        assert values.shape == (STEPS,)
        np.testing.assert_allclose(logs[name], values, rtol=1e-5, err_msg=name)
    assert state.keys() == expected_state.keys()
    _, before = load(folder / f"{method}_before.npz")
    for name, values in expected_state.items():
        if name.endswith("/kernel"):
            assert np.abs(values - before[name]).max() > 1e-4, name  # it has learned
        moments = "optimizer" in name and np.abs(values).max(initial=0)  # sums of large gradients
        np.testing.assert_allclose(
            state[name], values, rtol=1e-5, atol=max(1e-5, 3e-5 * moments), err_msg=name
        )


@pytest.mark.process
@pytest.mark.parametrize("method", METHODS)
def test_a_run_goes_back_to_tensorflow(trainers, folder, method):
    trainer = trainers[method]
    trainer.load_state(load(folder / f"{method}_here.npz")[1])
    assert trainer.step == AFTER
    (back,), _ = steps(trainer, AFTER, AFTER + 1)
    for name, (value,) in load(folder / f"{method}_after.npz")[0].items():
        assert back[name] == pytest.approx(value, rel=1e-5), name


@pytest.mark.process
def test_keras_files_are_read_both_ways(together, folder):
    there, here = np.load(folder / "before.npy"), np.load(folder / "before_here.npy")
    np.testing.assert_allclose(here, there, atol=1e-5)
    translated = keras.saving.load_model(folder / "here.keras")(pictures(0, 1)[0]["x"])
    np.testing.assert_allclose(translated, np.load(folder / "here.npy"), atol=1e-5)
