import json
import os
import subprocess
import sys

import keras
import pytest
import tensorflow as tf
from conftest import ROOT

from cyclegan_keras.beam import translate as beam
from cyclegan_keras.cli import backends
from cyclegan_keras.commands import evaluate, export, train, translate, weights
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
    monkeypatch.setattr(keras.config, "backend", lambda: "numpy")
    with pytest.raises(OptionError, match="KERAS_BACKEND=numpy: expected one of tensorflow, jax"):
        backends.prepare()


COMMANDS = {
    "train.py": lambda: train.main(["train.py", "--dataset=demo/ponies"]),
    "translate.py": lambda: translate.main(["translate.py"]),
    "evaluate.py": lambda: evaluate.main(["evaluate.py"]),
    "export.py": lambda: export.main(["export.py"]),
    "beam.py": lambda: beam.main(["beam.py"]),
    "weights": lambda: weights.main(["import", "a.pth"]),
}
JAX = 'KERAS_BACKEND=jax needs JAX: pip install "cyclegan-keras[jax]", or leave it out.'


@pytest.mark.parametrize("backend", ["torch", "jax", "numpy", "openvino"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("named_by", ["variable", "file"])
def test_a_backend_that_is_not_there_is_a_sentence(
    backend, command, named_by, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "jax", None)  # importing it fails
    sentence = JAX
    if backend != "jax":
        sentence = f"KERAS_BACKEND={backend}: expected one of tensorflow, jax."
    if named_by == "variable":
        monkeypatch.setenv("KERAS_BACKEND", backend)
    else:
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        config = tmp_path / "keras.json"
        config.write_text(json.dumps({"backend": backend}))
        sentence += f" That is said in {config}: set KERAS_BACKEND=tensorflow, or change the file."
    assert COMMANDS[command]() == 2
    assert capsys.readouterr().err == f"{command}: {sentence}\n"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"floatx": "float32"}'])
def test_a_configuration_that_names_no_backend_is_that_of_tensorflow(
    content, tmp_path, monkeypatch
):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    backends.check_environment()
    (tmp_path / "keras.json").write_text(content)
    backends.check_environment()


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["-m", "cyclegan_keras.checkpoints"], 2, "cyclegan_keras: KERAS_BACKEND=torch: expected"),
        (["-c", "import cyclegan_keras"], 1, "ImportError: cyclegan_keras cannot be imported: K"),
    ],
)
def test_the_package_says_by_itself_which_backends_there_are(words, code, error):
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == code
    assert error in done.stderr.splitlines()[-1]


def test_what_needs_tensorflow_says_so(monkeypatch):
    backends.need_tensorflow("This")
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(OptionError, match="This needs TensorFlow: leave KERAS_BACKEND=jax out"):
        backends.need_tensorflow("This")


@pytest.mark.parametrize(
    ("command", "backend", "sentence"),
    [
        ("translate.py", "jax", "Translating needs TensorFlow, which is not installed here"),
        ("evaluate.py", "jax", "Evaluating needs TensorFlow, which is not installed here"),
        ("export.py", "tensorflow", "Exporting needs TensorFlow, which is not installed here"),
        ("train.py", "tensorflow", "TensorFlow is not installed: install it, or train with KERAS_"),
    ],
)
def test_tensorflow_that_is_not_there_is_a_sentence(
    command, backend, sentence, monkeypatch, capsys
):
    monkeypatch.setattr(backends, "has_tensorflow", lambda: False)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert COMMANDS[command]() == 2
    assert sentence in capsys.readouterr().err


def test_tensorflow_that_holds_the_gpu_of_jax_is_a_sentence(monkeypatch):
    def refuse(devices, kind):
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    monkeypatch.setattr(tf.config, "set_visible_devices", refuse)
    with pytest.raises(OptionError, match=r"uses the GPU .* train in a process of its own"):
        backends.prepare()


@pytest.mark.release
@pytest.mark.process
def test_on_jax_tensorflow_does_not_see_the_accelerators():
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
