import io
import os
import sys

import pytest

from cyclegan_keras.files.errors import WriteError
from cyclegan_keras.files.output import shielded_output

FULL = os.path.exists("/dev/full")


@pytest.fixture
def pipe_without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_names_that_are_no_text_are_shown_as_escapes(monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "ascii"))
    with shielded_output():
        sys.stdout.write("caf\udce9 é\n")
        sys.stdout.flush()
    assert shown.getvalue() == b"caf\\udce9 \\xe9\n"


def test_the_work_goes_on_where_nobody_reads(monkeypatch, pipe_without_reader):
    with open(pipe_without_reader, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with shielded_output():
            for _ in range(3):
                sys.stdout.write("a" * 9)
                sys.stdout.writelines(["a" * 9, "a" * io.DEFAULT_BUFFER_SIZE])
                sys.stdout.flush()


@pytest.mark.skipif(not FULL, reason="/dev/full is a device of Linux")
def test_a_full_disk_is_said_once(monkeypatch):
    with open("/dev/full", "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with shielded_output():
            sys.stderr.write("a")
            with pytest.raises(WriteError, match=r"^Cannot write to standard error: No space left"):
                sys.stderr.flush()
            sys.stderr.write("a")
            sys.stderr.flush()


def test_a_process_without_output_prints_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with shielded_output():
        sys.stdout.write("a")
        sys.stdout.flush()
    assert sys.stdout is None
