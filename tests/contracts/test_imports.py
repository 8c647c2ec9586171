"""What an import brings: to Keras every class, to --help nothing heavy."""

import re
import signal
import subprocess
import sys

import pytest
from conftest import ROOT

from cyclegan_keras.models.resnet_generator import ResNetGenerator

# Every command, by its script at the top or as `pip install` installs it.
SCRIPTS = ("train.py", "translate.py", "evaluate.py", "export.py")
INSTALLED = ("train", "translate", "evaluate", "export", "weights", "pairs", "beam")
COMMANDS = (
    *([script] for script in SCRIPTS),
    *(
        ["-c", f"import sys, cyclegan_commands; sys.exit(cyclegan_commands.{name}())"]
        for name in INSTALLED
    ),
    ["-m", "pipelines.pairs"],
)
LIGHT = re.compile(r"\| +(tqdm|argparse)$", re.MULTILINE)
HEAVY = re.compile(r"\| +(tensorflow|keras|jax|torch)$", re.MULTILINE)


def run(*words, **options):
    options = {"cwd": ROOT, "capture_output": True, "text": True, **options}
    return subprocess.run([sys.executable, *words], **options)


@pytest.mark.parametrize("command", COMMANDS, ids=[*SCRIPTS, *INSTALLED, "-m pipelines.pairs"])
@pytest.mark.parametrize(("typed", "code"), [("--help", 0), ("--halp", 2)])
def test_commands_answer_without_tensorflow(command, typed, code):
    done = run("-X", "importtime", *command, typed)
    assert done.returncode == code, done.stderr
    assert LIGHT.search(done.stderr)  # imports are told of
    assert not HEAVY.search(done.stderr)


def test_dry_run_of_a_training_needs_no_tensorflow():
    done = run("-X", "importtime", "train.py", "--preset=demo", "--dry_run")
    assert '"run_dir"' in done.stdout
    assert not HEAVY.search(done.stderr)


# Run after a model of a user has been loaded: whether importing more would tell Keras more.
ALL_KNOWN = """
import importlib, pkgutil
known = set(keras.saving.get_custom_objects())
for package in ("layers", "models", "training", "weights"):
    package = importlib.import_module("cyclegan_keras." + package)
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith("_jax"):  # these need JAX, and define no class of Keras
            importlib.import_module(found.name)
assert known == set(keras.saving.get_custom_objects()), known
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["cyclegan_keras", "keras"])
def test_keras_loads_what_was_saved(first, tmp_path):
    """In both orders of import, also in a package of the user's own that is run by -m."""
    ResNetGenerator(n_blocks=1, ngf=2).save(tmp_path / "g.keras")
    second = {"keras", "cyclegan_keras"} - {first}
    program = f"import {first}\nimport {second.pop()}\nkeras.saving.load_model('g.keras')\n"
    package = tmp_path / "own"
    package.mkdir()
    (package / "__init__.py").write_text(f"import {first}\n")
    (package / "__main__.py").write_text(program + ALL_KNOWN)
    environment = {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = run("-m", "own", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr


def test_public_names_are_all_there():
    brought = {}
    exec("from cyclegan_keras import *", brought)
    assert {"CycleGAN", "CUT", "Pix2Pix", "ResNetGenerator", "ImagePool"} <= brought.keys()


def test_interruption_while_tensorflow_loads_is_a_sentence(tmp_path):
    (tmp_path / "a.png").touch()  # the model is opened only where there is something to translate
    words = [
        "translate.py",
        f"--model={tmp_path}",
        f"--input={tmp_path}",
        f"--output={tmp_path}/out",
    ]
    begun = [sys.executable, "-X", "importtime", *words]
    with subprocess.Popen(begun, cwd=ROOT, stderr=subprocess.PIPE, text=True) as program:
        for line in program.stderr:
            if "tensorflow." in line:
                program.send_signal(signal.SIGINT)
                break
        rest = program.stderr.read()
    assert program.returncode == 130
    assert "Traceback" not in rest
    assert "translate.py: interrupted" in rest
