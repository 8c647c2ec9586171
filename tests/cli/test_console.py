import concurrent.futures
import contextlib
import dataclasses
import logging
import signal

import pytest
import tensorflow as tf

from cyclegan_keras.cli import console
from cyclegan_keras.files.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    width: int = dataclasses.field(default=1, metadata={"help": "In pixels."})


class LaterError(UserError):
    exit_code = 7


def run(error=None, code=0, typed=()):
    def command(options):
        assert options == {}
        if error:
            raise error
        return code

    argv = ["a/command.py", *typed]
    return console.run_command(argv, command, {"options": Options}, "Does it.")


@pytest.mark.parametrize("code", [0, 1, 143])
def test_the_code_of_the_command_is_returned(code):
    assert run(code=code) == code


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UserError("--width=0"), 2, "command.py: --width=0\n"),
        (LaterError("later"), 7, "command.py: later\n"),
        (
            OSError(28, "No space left"),
            1,
            "command.py: [Errno 28] No space left. What was saved is",
        ),
        (KeyboardInterrupt(), 130, "command.py: interrupted"),
        (
            tf.errors.UnknownError(None, None, "in graph: DataError: a.png is gone.\nTrace"),
            1,
            "command.py: a.png is gone. What was saved is intact.\n",
        ),
    ],
)
def test_errors_become_sentences(error, code, sentence, capsys):
    assert run(error) == code
    assert capsys.readouterr().err.startswith(sentence)


def test_an_interruption_that_an_import_swallows_is_remembered(capsys):
    def command(options):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise UserError("what came of it")

    before = signal.getsignal(signal.SIGINT)
    assert console.run_command(["a/command.py"], command, {}, "Does it.") == 130
    assert capsys.readouterr().err == ("command.py: interrupted; what was saved is intact.\n")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            tf.errors.ResourceExhaustedError(None, None, "/a/events.v2; No space left on device"),
            "command.py: /a/events.v2; No space left on device. What was saved is intact.\n",
        ),
        (
            tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nHint: a"),
            "command.py: The memory does not suffice: take smaller pictures or batches, or end "
            "other programs that use it. What was saved is intact. (OOM when allocating tensor)\n",
        ),
        (MemoryError(), "command.py: The memory does not suffice"),
    ],
)
def test_failures_of_the_machine_become_sentences(error, sentence, capsys):
    assert run(error) == 1
    assert capsys.readouterr().err.startswith(sentence)


def test_a_name_that_a_library_cannot_take_becomes_a_sentence(capsys):
    def command(options):
        "a folder/caf\udce9/a.png".encode()

    assert console.run_command(["a/command.py"], command, {}, "Does it.") == 2
    sentence = capsys.readouterr().err
    assert sentence.startswith("command.py: folder/caf\\udce9/a.png is no UTF-8, and a library")


@pytest.mark.parametrize(
    "error",
    [
        KeyError("bug"),
        tf.errors.UnknownError(None, None, "bug"),
        UnicodeEncodeError("ascii", "bug", 0, 1, "no such character"),
    ],
)
def test_bugs_keep_their_traceback(error):
    with pytest.raises(type(error)) as caught:
        run(error)
    assert caught.value is error


def test_help(capsys):
    assert run(typed=["--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Does it.")
    assert "--width" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_asks_to_end(number, capsys):
    with console.Interruption("Ending ...") as interruption:
        signal.raise_signal(number)
    assert interruption.exit_code == 128 + number
    assert "Ending ..." in capsys.readouterr().err


def test_a_terminal_that_is_closed_may_hang_up_several_times(capsys):
    with console.Interruption("Ending ...") as interruption:
        for _ in range(3):
            signal.raise_signal(signal.SIGHUP)
        assert interruption.exit_code == 129
        assert capsys.readouterr().err.count("Ending ...") == 1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_under_nohup_hanging_up_is_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with console.Interruption("Ending ...") as interruption:
            signal.raise_signal(signal.SIGHUP)
            assert not interruption.requested()
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_handler_in_c_stays(monkeypatch):
    """Python has None in its stead, and cannot put it back."""

    def cannot_put_back(number, handler):
        raise AssertionError("a handler is lost")

    monkeypatch.setattr("signal.getsignal", lambda number: None)
    monkeypatch.setattr("signal.signal", cannot_put_back)
    with console.Interruption("Ending ...") as interruption:
        assert not interruption.requested()
    assert run(code=3) == 3


def test_a_command_runs_in_a_thread():
    def command(options):
        with console.Interruption("Ending ...") as interruption:
            return int(interruption.requested())

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        argv = ["a/command.py"]
        assert pool.submit(console.run_command, argv, command, {}, "Does it.").result() == 0


@pytest.mark.parametrize(
    ("path", "level", "shown"),
    [
        ("/x/train.py", logging.INFO, True),
        ("/x/tensorflow_datasets/a.py", logging.INFO, False),
        ("/x/tensorflow_datasets/a.py", logging.WARNING, True),
    ],
)
def test_messages_of_tfds_are_shown_from_warnings_on(path, level, shown, capsys):
    console.LogLines().emit(logging.LogRecord("x", level, path, 1, "a word", (), None))
    assert ("a word" in capsys.readouterr().err) == shown


def test_the_first_signal_asks_and_the_second_interrupts(capsys):
    before = signal.getsignal(signal.SIGTERM)
    with console.Interruption("Ending ...") as interruption:
        assert not interruption.requested()
        signal.raise_signal(signal.SIGTERM)
        assert interruption.requested()
        assert interruption.number == signal.SIGTERM
        assert interruption.signal_name == "SIGTERM"
        assert interruption.exit_code == 143
        assert "Ending ..." in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before
