"""The sets of tests: what `make test-quick` leaves out has a mark."""

import subprocess
import sys

import pytest

START = [sys.executable, "-c", "pass"]


def test_a_test_without_a_mark_cannot_start_a_process():
    with pytest.raises(RuntimeError, match=r"test_marks.py.* starts a process .*mark it with"):
        subprocess.run(START, check=True)


@pytest.mark.process
def test_a_marked_test_can():
    subprocess.run(START, check=True)
