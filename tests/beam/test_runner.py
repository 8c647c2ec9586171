import os
import threading

import pytest

from cyclegan_keras.files.errors import TranslationError

beam = pytest.importorskip("apache_beam")
Runner = pytest.importorskip("cyclegan_keras.beam.runner").Runner


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """What a runner sets for its workers ends with the test."""
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")


@pytest.mark.parametrize(
    ("words", "name", "is_local", "workers"),
    [
        ([], "DirectRunner", True, 1),
        (["--direct_num_workers=3"], "DirectRunner", True, 3),
        (["--direct_num_workers", "0"], "DirectRunner", True, os.cpu_count()),
        (["--direct_num_workers=3", "--direct_running_mode=in_memory"], "DirectRunner", True, 1),
        (["--runner=FlinkRunner", "--parallelism=8", "--java_s_own=1"], "FlinkRunner", False, 1),
    ],
)
def test_what_flags_say(words, name, is_local, workers):
    runner = Runner(words)
    assert (runner.name, runner.is_local, runner.workers) == (name, is_local, workers)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--outptu=x"], "Unknown flag --outptu"),
        (["--direct_num_workers=many"], "invalid int value: 'many'"),
        (["--direct_running_mode=magic"], "magic"),
    ],
)
def test_flags_that_cannot_be(words, sentence):
    with pytest.raises(TranslationError, match=sentence):
        Runner(words)


def run(runner, function, log):
    runner.start(lambda pipeline: pipeline | beam.Create([1, 2]) | beam.Map(function), log)
    while runner.is_running():
        threading.Event().wait(0.01)
    reason = runner.failure(log)
    runner.close()
    return reason


def test_a_pipeline_runs_beside_the_caller(tmp_path):
    threads = []
    assert run(Runner([]), lambda _: threads.append(threading.current_thread()), tmp_path) is None
    assert threading.main_thread() not in threads
    assert threading.excepthook is threading.__excepthook__


def test_what_ends_a_pipeline_is_a_line(tmp_path):
    reason = run(Runner([]), lambda number: 1 // (number - 2), tmp_path / "log")
    assert "by zero" in reason
    assert "\n" not in reason


@pytest.mark.slow
@pytest.mark.process
def test_a_worker_that_dies_is_noticed(tmp_path):
    def die(_):
        os.kill(os.getpid(), 9)

    reason = run(Runner(["--direct_num_workers=2"]), die, tmp_path / "log")
    assert "exited with return code -9, mostly for lack of memory" in reason
