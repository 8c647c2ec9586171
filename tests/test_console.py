import dataclasses
import logging
import signal

import pytest
import tensorflow as tf

from cyclegan_keras import console, flags


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    width: int = dataclasses.field(default=1, metadata={"help": "In pixels."})


class MendableError(ValueError):
    pass


class CodedError(ValueError):
    exit_code = 7


def run(error=None, code=0):
    def story(argv):
        if error:
            raise error
        return code

    return console.run(
        ["a/door.py"], story, {"door": Options}, "Does it.", (MendableError, CodedError)
    )


@pytest.mark.parametrize("code", [0, 1, 143])
def test_the_code_of_the_story_is_returned(code):
    assert run(code=code) == code


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (MendableError("mend this"), 2, "door.py: mend this\n"),
        (CodedError("later"), 7, "door.py: later\n"),
        (OSError(28, "No space left"), 1, "door.py: [Errno 28] No space left. What was saved is"),
        (KeyboardInterrupt(), 130, "door.py: interrupted"),
        (
            tf.errors.UnknownError(None, None, "in graph: DataError: a.png is gone.\nTrace"),
            *(1, "door.py: a.png is gone. What was saved is intact.\n"),
        ),
    ],
)
def test_errors_become_sentences(error, code, sentence, capsys):
    assert run(error) == code
    assert capsys.readouterr().err.startswith(sentence)


@pytest.mark.parametrize("error", [KeyError("bug"), tf.errors.UnknownError(None, None, "bug")])
def test_bugs_keep_their_traceback(error):
    with pytest.raises(type(error), match="bug"):
        run(error)


def test_help(capsys):
    assert run(flags.HelpRequested()) == 0
    out = capsys.readouterr().out
    assert out.startswith("Does it.")
    assert "--width" in out


@pytest.mark.parametrize(
    ("path", "level", "shown"),
    [
        ("/x/train.py", logging.INFO, True),
        ("/x/tensorflow_datasets/a.py", logging.INFO, False),
        ("/x/tensorflow_datasets/a.py", logging.WARNING, True),
    ],
)
def test_chatter_is_left_out(path, level, shown, capsys):
    console.Console().emit(logging.LogRecord("x", level, path, 1, "a word", (), None))
    assert ("a word" in capsys.readouterr().err) == shown


def test_the_first_signal_asks_and_the_second_interrupts(capsys):
    before = signal.getsignal(signal.SIGTERM)
    with console.Interruption("Ending ...") as stop:
        assert not stop()
        signal.raise_signal(signal.SIGTERM)
        assert stop()
        assert stop.number == signal.SIGTERM
        assert "Ending ..." in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before
