"""What ends a compression underway is a sentence, and the same command carries on."""

import pytest
import tensorflow as tf
from tiny_compressions import STEPS, TINY, keep_small, run, untrained_ponies

from cyclegan_keras.commands import compress
from cyclegan_keras.compression.answer_cache import AnswerCache
from cyclegan_keras.compression.distiller import Distiller
from cyclegan_keras.runs.run import Run

pytestmark = [
    pytest.mark.slow,  # whole commands
    pytest.mark.release,
]


@pytest.fixture(scope="module", autouse=True)
def small(small_and_without_graphs):
    """Few pictures, and no receipt."""
    with pytest.MonkeyPatch.context() as patch:
        keep_small(patch)
        patch.setattr(compress, "write_results", lambda *arguments: None)
        yield


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The run of a training that nobody has trained."""
    return untrained_ponies(tmp_path_factory.mktemp("teacher") / "ponies")


@pytest.fixture
def words(teacher, tmp_path):
    """The options of a compression that checkpoints after every step."""
    return [
        f"--model={teacher}",
        f"--run_dir={tmp_path / 'small'}",
        "--direction=AtoB",
        "--checkpoint_minutes=0",
        *TINY,
    ]


def carries_on(words, tmp_path):
    """Whether the same command ends at the last step."""
    return run(*words) == 0 and Run(tmp_path / "small").last_step() == STEPS


def test_a_full_disk_at_an_answer(words, tmp_path, monkeypatch, limited_file_size, capsys):
    real = AnswerCache.put

    def put(self, number, crop, answer):
        if number < 2:
            return real(self, number, crop, answer)
        with limited_file_size(100):
            return real(self, number, crop, answer)

    with monkeypatch.context() as patch:
        patch.setattr(AnswerCache, "put", put)
        assert run(*words) == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "x_to_y.answers: File too large." in sentence
    assert sentence.startswith("compress.py: ")
    assert carries_on(words, tmp_path)


def test_a_full_disk_at_a_checkpoint(words, tmp_path, monkeypatch, limited_file_size, capsys):
    real = Run.save

    def save(self, step, state):
        if step < 2:
            return real(self, step, state)
        with limited_file_size(1000):
            return real(self, step, state)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", save)
        assert run(*words) == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "step_000000002.npz: File too large." in sentence
    assert "step_000000001.npz" in sentence  # the last good one
    assert Run(tmp_path / "small").last_step() == 1
    assert carries_on(words, tmp_path)


def test_no_memory_in_a_step(words, tmp_path, monkeypatch, capsys):
    real = Distiller.train_step

    def train_step(self, batch):
        logs = real(self, batch)
        if self.step >= 2:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return logs

    with monkeypatch.context() as patch:
        patch.setattr(Distiller, "train_step", train_step)
        assert run(*words) == 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "does not suffice for batches of 2 with 16x16 px" in sentence
    assert "--batch_size=1 or --patch_size=" in sentence
    assert "A step was under way, so its state is not saved." in sentence
    assert Run(tmp_path / "small").last_step() == 1
    assert carries_on(words, tmp_path)


def test_another_process_in_the_directory(words, tmp_path, capsys):
    directory = Run(tmp_path / "small")
    directory.create()
    with directory.locked():
        assert run(*words) == 2
    assert "Another process is" in capsys.readouterr().err
    assert carries_on(words, tmp_path)
