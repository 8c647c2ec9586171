import contextlib
import dataclasses
import errno
import json
import multiprocessing
import os
import socket
import time

import pytest

from cyclegan_keras.files import lock
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


# ---- who holds it ----


def own(**changes):
    return dataclasses.replace(lock.Owner.here(), **changes)


def written(path, owner):
    path.write_text(json.dumps(dataclasses.asdict(owner)))


def test_a_busy_lock_names_its_process(tmp_path):
    path = tmp_path / ".lock"
    path.touch()  # as earlier versions left it
    with locked(path, RunError("busy.")):
        sentence = (
            rf"^busy\. It was locked by process {os.getpid()} of the machine .*0 seconds ago\.$"
        )
        with pytest.raises(RunError, match=sentence), locked(path, RunError("busy.")):
            raise AssertionError("two hold one lock")
    assert path.read_text() == ""


# ---- where there are no locks ----


@pytest.fixture(params=["ENOSYS", "EOPNOTSUPP", "ENOLCK", "EINVAL"])
def no_locks(request, monkeypatch):
    """What flock says on a file system without locks."""
    number = getattr(errno, request.param)

    def flock(file, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)


def test_a_file_stands_for_a_lock(no_locks, tmp_path, caplog):
    path, held = tmp_path / ".lock", tmp_path / ".lock.held"
    with locked(path, RunError("busy.")):
        sentence = rf"process {os.getpid()} of the machine .* Where .* any more, remove {held}\.$"
        with pytest.raises(RunError, match=sentence), locked(path, RunError("busy.")):
            raise AssertionError("two hold one lock")
    assert not held.exists()
    with locked(path, RunError("busy.")):
        pass
    lines = [record.getMessage() for record in caplog.records]
    assert all(line.startswith(f"The file system of {tmp_path} has no locks") for line in lines)


def test_other_failures_of_locking_are_errors(monkeypatch, tmp_path):
    def flock(file, operation):
        raise OSError(errno.EIO, "the drive is gone")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(OSError, match="the drive is gone"), locked(tmp_path / "a", RunError("")):
        raise AssertionError("nothing is locked")


@pytest.fixture
def held(monkeypatch, tmp_path):
    def flock(file, operation):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", flock)
    return tmp_path / ".lock.held"


@pytest.mark.parametrize("changes", [{"pid": 2**22 + 1}, {"began": 0.0}])
def test_the_lock_of_a_process_that_has_ended_does_not_count(held, changes):
    """Its number may belong to another process by now, which began later."""
    written(held, own(**changes))
    with locked(held.with_name(".lock"), RunError("busy.")):
        assert json.loads(held.read_text())["pid"] == os.getpid()
    assert list(held.parent.iterdir()) in ([], [held.with_name(".lock")])


@pytest.mark.parametrize("changes", [{"host": "elsewhere"}, {"namespace": "pid:[1]"}])
def test_the_lock_of_another_machine_counts_and_says_what_to_do(held, changes):
    """The processes of containers of one name cannot be seen either."""
    written(held, own(pid=7, since=time.time() - 7200, **changes))
    host = changes.get("host", socket.gethostname())
    sentence = (
        rf"^busy\. It was locked by process 7 of the machine {host}, 2 hours ago\. "
        rf"Where that is not so any more, remove {held}\.$"
    )
    with (
        pytest.raises(RunError, match=sentence),
        locked(held.with_name(".lock"), RunError("busy.")),
    ):
        raise AssertionError("it is locked")
    assert held.exists()


def test_a_lock_that_names_nobody_counts(held):
    held.write_text("half wri")
    path, sentence = held.with_name(".lock"), rf"^busy\. Where that is not .* remove {held}\.$"
    with pytest.raises(RunError, match=sentence), locked(path, RunError("busy.")):
        raise AssertionError("it is locked")


def test_of_three_that_find_a_stale_lock_one_gets_it(held, monkeypatch):
    """One reads the stale owner; before it goes on, a second takes the lock, and a third tries."""
    path, holders = held.with_name(".lock"), []
    real_has_ended, real_rename = lock.Owner.has_ended, os.rename

    with contextlib.ExitStack() as others:

        def take(name):
            with contextlib.suppress(RunError):
                others.enter_context(locked(path, RunError("busy.")))
                holders.append(name)

        def has_ended(owner):
            monkeypatch.setattr(lock.Owner, "has_ended", real_has_ended)
            take("second")
            return real_has_ended(owner)

        def rename(*names):
            real_rename(*names)
            take("third")

        monkeypatch.setattr(lock.Owner, "has_ended", has_ended)
        monkeypatch.setattr("os.rename", rename)
        written(held, own(began=0.0))
        with contextlib.suppress(RunError), locked(path, RunError("busy.")):
            holders.append("first")
        assert len(holders) == 1
    assert set(held.parent.iterdir()) <= {path}


def test_whoever_looks_at_a_stale_lock_is_named(held):
    """A process that was killed while it did so leaves its file, which a user may remove."""
    written(held, own(began=0.0))
    guard = held.with_name(".lock.held.removing")
    guard.touch()
    sentence = rf"^busy\. Where that is not so any more, remove {guard}\.$"
    with (
        pytest.raises(RunError, match=sentence),
        locked(held.with_name(".lock"), RunError("busy.")),
    ):
        raise AssertionError("it is locked")
