"""The files around the code agree with each other and with the code."""

import re

import keras
import pytest
from conftest import ROOT

import cyclegan_keras

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text().splitlines()
UNLOCKED = {"bench"}  # a peer, of 2 GB
PINS = [line for line in LOCK if line and line[0] not in " #"]
DECLARED = list(PROJECT["dependencies"])
for extra, packages in PROJECT["optional-dependencies"].items():
    if extra not in UNLOCKED:
        DECLARED += packages


def _plain(name: str) -> str:
    """The name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower()


def test_one_version():
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert PROJECT["version"] == cyclegan_keras.__version__
    assert f"## [{PROJECT['version']}]" in changes or "## [Unreleased]" in changes


def test_lock_pins_exactly():
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line) for line in PINS)


@pytest.mark.parametrize("package", DECLARED)
def test_lock_holds_what_is_declared(package):
    assert _plain(package) in map(_plain, PINS)


def test_declared_python_is_classified():
    listed = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c}
    assert listed == {"3.10", "3.11", "3.12", "3.13"}
    assert PROJECT["requires-python"] == ">=3.10,<3.14"


def test_every_class_that_files_name_is_public():
    registered = keras.saving.get_custom_objects()
    of_package = [name for name in registered if name.startswith("cyclegan_keras>")]
    assert of_package
    assert {name.rpartition(">")[2] for name in of_package} <= set(cyclegan_keras.__all__)
