import os
import subprocess
import sys

import pytest

from cyclegan_keras.cli import backends
from cyclegan_keras.commands import train
from cyclegan_keras.files.errors import OptionError

PROGRAM = """
from cyclegan_keras.cli import backends
from cyclegan_keras.files.errors import OptionError
try:
    backends.prepare(deterministic=True)
except OptionError as error:
    print(error)
backends.prepare()
import tensorflow as tf
print([device.device_type for device in tf.config.get_visible_devices()])
"""


def test_tensorflow_needs_nothing():
    backends.prepare()


def test_an_unknown_backend_is_refused(monkeypatch):
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "numpy")
    with pytest.raises(OptionError, match="KERAS_BACKEND=numpy: expected one of tensorflow, jax"):
        backends.prepare()


@pytest.mark.parametrize(
    ("backend", "sentence"),
    [
        ("torch", "KERAS_BACKEND=torch: expected one of tensorflow, jax."),
        ("jax", "KERAS_BACKEND=jax needs JAX: install the extra [jax], or leave it out."),
    ],
)
def test_a_backend_that_is_not_there_is_a_sentence(backend, sentence, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setitem(sys.modules, "jax", None)  # importing it fails
    assert train.main(["train.py", "--dataset=demo/ponies"]) == 2
    assert capsys.readouterr().err == f"train.py: {sentence}\n"


def test_what_needs_tensorflow_says_so(monkeypatch):
    import keras

    backends.need_tensorflow("This")
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(OptionError, match="This needs TensorFlow: leave KERAS_BACKEND=jax out"):
        backends.need_tensorflow("This")


@pytest.mark.slow
@pytest.mark.process
def test_on_jax_tensorflow_only_feeds():
    pytest.importorskip("jax")
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    refusal, visible = run.stdout.splitlines()
    assert refusal.startswith("--deterministic is TensorFlow's")
    assert visible == "['CPU']"
