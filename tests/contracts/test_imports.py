"""What an import brings: every class for Keras, nothing heavy for --help."""

import json
import signal
import subprocess
import sys

import keras
import pytest
from conftest import ROOT

from cyclegan_keras.models.resnet_generator import ResNetGenerator

# Every way to start a command: the scripts, a module, and what `pip install` installs. Each entry
# answers in a process of its own, because a module that was imported once stays imported.
INSTALLED = (
    "train",
    "translate",
    "evaluate",
    "export",
    "compress",
    "check_data",
    "weights",
    "pairs",
    "slices",
    "serve",
    "beam",
)
STARTED = {
    "train.py": ["runpy.run_path('train.py', run_name='__main__')"],
    "translate.py": ["runpy.run_path('translate.py', run_name='__main__')"],
    "evaluate.py": ["runpy.run_path('evaluate.py', run_name='__main__')"],
    "export.py": ["runpy.run_path('export.py', run_name='__main__')"],
    "check_data.py": ["runpy.run_path('check_data.py', run_name='__main__')"],
    "compress.py": ["runpy.run_path('compress.py', run_name='__main__')"],
    "pipelines.pairs": ["runpy.run_module('pipelines.pairs', run_name='__main__')"],
    "pipelines.slices": ["runpy.run_module('pipelines.slices', run_name='__main__')"],
    "installed": [
        f"import cyclegan_commands; sys.exit(cyclegan_commands.{name}())" for name in INSTALLED
    ],
}
TYPED = ("--help", "--halp", "--preset=demo --dry_run")
# Prints a line of JSON for every command and every line typed.
ANSWERS = """
import contextlib, io, json, runpy, sys
for code in {codes}:
    for typed in {typed}:
        sys.argv = ["command", *typed.split()]
        exit_code, out = None, io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                exec(code)
            except SystemExit as end:
                exit_code = end.code
        heavy = [n for n in ("tensorflow", "keras", "jax", "torch") if n in sys.modules]
        print(json.dumps([code, typed, exit_code, heavy, out.getvalue()]))
"""


def run(*words, **options):
    options = {"cwd": ROOT, "capture_output": True, "text": True, **options}
    return subprocess.run([sys.executable, *words], **options)


@pytest.mark.process
@pytest.mark.parametrize("started", STARTED)
def test_commands_answer_without_tensorflow(started):
    typed = TYPED if started == "train.py" else TYPED[:2]
    done = run("-c", ANSWERS.format(codes=STARTED[started], typed=typed))
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(STARTED[started]) * len(typed)
    for code, words, exit_code, heavy, out in answers:
        assert exit_code == (2 if words == "--halp" else 0), (code, words, out)
        assert heavy == [], (code, words)
        assert out, (code, words)
        if "--dry_run" in words:
            assert '"run_dir"' in out


# Run after a user's model has been loaded: importing more modules must register nothing more.
ALL_REGISTERED = """
import importlib, pkgutil
known = set(keras.saving.get_custom_objects())
for package in ("layers", "models", "training", "weights"):
    package = importlib.import_module("cyclegan_keras." + package)
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith("_jax"):  # these need JAX, and define no class of Keras
            importlib.import_module(found.name)
assert known == set(keras.saving.get_custom_objects()), known
"""
# The names in files that people have: this list may grow, but no name may leave it.
REGISTERED = (
    "BatchNormalization",
    "BilinearUpsampling2D",
    "ChangedRates",
    "Constant",
    "CosineDecay",
    "ImagePool",
    "InstanceNormalization",
    "KerasExampleGenerator",
    "LeakyReLU",
    "LinearDecay",
    "MultiscaleDiscriminator",
    "NoiseDropout",
    "PatchDiscriminator",
    "PatchMLP",
    "PixelDiscriminator",
    "ReflectionPadding2D",
    "ResNetGenerator",
    "ResidualBlock",
    "StepDecay",
    "UNetGenerator",
)


def test_registered_names_are_frozen():
    registered = keras.saving.get_custom_objects()
    own = {name for name in registered if name.startswith("cyclegan_keras>")}
    assert own == {f"cyclegan_keras>{name}" for name in REGISTERED}


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(
    "first",
    # Keras is first in the process of the tests, too.
    ["cyclegan_keras", pytest.param("keras", marks=pytest.mark.release)],
)
def test_keras_loads_what_was_saved(first, tmp_path):
    """In both orders of import, in a package of the user's own that is started with -m."""
    ResNetGenerator(n_blocks=1, ngf=2).save(tmp_path / "g.keras")
    second = {"keras", "cyclegan_keras"} - {first}
    program = f"import {first}\nimport {second.pop()}\nkeras.saving.load_model('g.keras')\n"
    package = tmp_path / "own"
    package.mkdir()
    (package / "__init__.py").write_text(f"import {first}\n")
    (package / "__main__.py").write_text(program + ALL_REGISTERED)
    environment = {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = run("-m", "own", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr


def test_public_names_are_all_there():
    imported = {}
    exec("from cyclegan_keras import *", imported)
    assert {"CycleGAN", "CUT", "Pix2Pix", "ResNetGenerator", "ImagePool"} <= imported.keys()


@pytest.mark.process
def test_interruption_while_tensorflow_loads_is_a_sentence(tmp_path):
    picture = tmp_path / "a.png"
    picture.touch()  # the model is opened only where there is something to translate
    words = [f"--model={tmp_path}", f"--input={picture}", f"--output={tmp_path / 'b.png'}"]
    command = [sys.executable, "-X", "importtime", "translate.py", *words]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as program:
        for line in program.stderr:
            if "tensorflow." in line:
                program.send_signal(signal.SIGINT)
                break
        rest = program.stderr.read()
    assert program.returncode == 130
    assert "Traceback" not in rest
    assert "translate.py: interrupted" in rest
