"""What measures in other processes: its failures."""

import shutil
import sys

import pytest

from cyclegan_keras.files.errors import PlanError
from cyclegan_keras.planning import processes


def test_a_process_that_ends_at_once_ends_in_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(PlanError, match=r"ended with 1 \(it said nothing\)\. Try a smaller --ngf"):
        processes.measure({"this training": {}})
