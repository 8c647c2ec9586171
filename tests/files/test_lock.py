import multiprocessing

import pytest

from cyclegan_keras.files.errors import RunError
from cyclegan_keras.files.lock import locked


def hold(path, held, release):
    with locked(path, RunError("busy")):
        held.set()
        release.wait(60)


@pytest.mark.process
def test_one_process_at_a_time(tmp_path):
    path = tmp_path / ".lock"
    spawn = multiprocessing.get_context("fork")
    held, release = spawn.Event(), spawn.Event()
    other = spawn.Process(target=hold, args=(path, held, release))
    other.start()
    assert held.wait(60)
    with pytest.raises(RunError, match="busy"), locked(path, RunError("busy")):
        raise AssertionError("two processes hold one lock")
    other.kill()  # a killed process frees it
    other.join()
    with locked(path, RunError("busy")):
        assert path.exists()
