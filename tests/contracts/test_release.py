"""The files around the code agree with each other and with the code."""

import re

import keras
import pytest
from conftest import ROOT
from packaging.requirements import Requirement

import cyclegan_keras

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

FILE = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = FILE["project"]
UNLOCKED = {"bench"}  # a peer, of 2 GB
# The locks of tools, each with the extras and dependency groups that it holds.
TOOLS = {
    "trackers": ["wandb", "mlflow"],
    "hub": ["hub"],
    "data": ["data"],
    "notebook": ["notebook"],
    "docs": ["docs"],
    "release": ["release"],
}


def _pins(lock: str) -> list[str]:
    """The lines of a lock that name a package and its version."""
    return [line for line in (ROOT / lock).read_text().splitlines() if line and line[0] not in " #"]


PINS = {"requirements": _pins("requirements.lock")}
for tool in TOOLS:
    PINS[tool] = _pins(f"locks/{tool}.lock")

DECLARED = [("requirements", package) for package in PROJECT["dependencies"]]
for extra, packages in (PROJECT["optional-dependencies"] | FILE["dependency-groups"]).items():
    if extra not in UNLOCKED:
        (lock,) = [tool for tool in TOOLS if extra in TOOLS[tool]] or ["requirements"]
        DECLARED += [(lock, package) for package in packages]


def _plain(name: str) -> str:
    """The name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower()


def test_one_version():
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert PROJECT["version"] == cyclegan_keras.__version__
    assert f"## [{PROJECT['version']}]" in changes or "## [Unreleased]" in changes


@pytest.mark.parametrize("lock", PINS)
def test_lock_pins_exactly(lock):
    assert PINS[lock]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line) for line in PINS[lock])


@pytest.mark.parametrize(("lock", "package"), DECLARED)
def test_lock_holds_what_is_declared(lock, package):
    assert _plain(package) in map(_plain, PINS[lock])


def test_what_jax_needs_without_tensorflow_is_what_is_declared():
    lines = (ROOT / "requirements-jax.txt").read_text().splitlines()
    needed = {line for line in lines if line and line[0] != "#"}
    declared = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["jax"]
    of_tensorflow = {"tensorflow", "tensorflow-datasets", "importlib-resources"}
    assert needed == {package for package in declared if _plain(package) not in of_tensorflow}


def test_no_tool_is_locked_for_those_who_only_train():
    shared = {_plain(package) for lock, package in DECLARED if lock == "requirements"}
    tools = {_plain(package) for lock, package in DECLARED if lock != "requirements"} - shared
    assert {"wandb", "mlflow-skinny", "huggingface-hub", "imagehash", "mkdocs"} <= tools
    assert tools & set(map(_plain, PINS["requirements"])) == set()


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_all_locks_fit_into_one_environment(python):
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    versions = {}
    for pins in PINS.values():
        for pin in map(Requirement, pins):
            if pin.marker is None or pin.marker.evaluate(environment):
                versions.setdefault(pin.name, set()).add(str(pin.specifier))
    assert len(versions) > 200
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_declared_python_is_classified():
    listed = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c}
    assert listed == {"3.10", "3.11", "3.12", "3.13"}
    assert PROJECT["requires-python"] == ">=3.10,<3.14"


def test_every_class_that_files_name_is_public():
    registered = keras.saving.get_custom_objects()
    of_package = [name for name in registered if name.startswith("cyclegan_keras>")]
    assert of_package
    assert {name.rpartition(">")[2] for name in of_package} <= set(cyclegan_keras.__all__)
