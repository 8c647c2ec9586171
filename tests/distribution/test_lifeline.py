"""Two workers of one process, connected on loopback; in a real one, a lost worker ends it."""

import socket
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
from optional import optional

from cyclegan_keras.distribution import lifeline
from cyclegan_keras.distribution.cluster import Cluster
from cyclegan_keras.distribution.lifeline import Lifeline
from cyclegan_keras.files.errors import DistributionError, LostWorkerError

ADDRESSES = ("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3")
SECONDS = 10  # only so that a fault does not hang


@pytest.fixture(autouse=True)
def ended(monkeypatch):
    """Exit codes of the processes that would have ended, and the events that announce them."""
    codes, announced = [], threading.Event()

    def end_process(code):
        codes.append(code)
        announced.set()

    monkeypatch.setattr(lifeline, "end_process", end_process)
    monkeypatch.setattr(lifeline, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(lifeline, "LINGER_SECONDS", 0.0)
    return codes, announced


@pytest.fixture
def connected():
    """Connects workers, and parts them after the test."""
    made = []

    def connect(count=2):
        made.extend(connect_all(count))
        return made

    yield connect
    for each in made:
        each.end()


def connect_all(count):
    """Returns the lifelines of a chief and its workers, connected as real ones are."""
    told, is_told = [], threading.Event()

    def gather_texts(text):
        if text:
            told.append(text)
            is_told.set()
        assert is_told.wait(SECONDS)
        return told

    with ThreadPoolExecutor(count) as pool:
        made = [
            pool.submit(
                lifeline.connect,
                Cluster(addresses=ADDRESSES[:count], index=index),
                "127.0.0.1",
                gather_texts,
            )
            for index in range(count)
        ]
        return [each.result(SECONDS) for each in made]


def cut(worker):
    """Ends the connections of a worker as the operating system does when a process ends."""
    for connection in worker._connections.values():
        connection.shutdown(socket.SHUT_RDWR)


def test_the_chief_names_a_lost_worker_and_tells_the_others(ended, capsys, connected):
    codes, announced = ended
    chief, first, second = connected(3)
    with chief.naming_lost_workers(), chief.exchange():
        pass
    first._is_leaving = True  # a process that has ended says nothing
    cut(first)
    assert announced.wait(SECONDS)
    assert codes[0] == 1
    assert "Lost worker 1 (127.0.0.1:2): it has ended" in capsys.readouterr().err
    assert second.lost == chief.lost == [1]
    with pytest.raises(LostWorkerError, match=r"Lost worker 1 \(127.0.0.1:2\)"), chief.exchange():
        pytest.fail("the others are needed")


def test_an_error_of_a_collective_is_that_of_the_lost_worker(ended, connected):
    chief, worker = connected()
    worker._is_leaving = True

    def fail():
        cut(worker)
        raise ValueError("UNKNOWN: Gloo all-reduce failed: connection reset by peer")

    with (
        pytest.raises(LostWorkerError, match="run the same command on every worker"),
        chief.naming_lost_workers(),
        chief.exchange(),
    ):
        fail()


def test_other_errors_are_left_alone(connected):
    chief, _ = connected()
    with pytest.raises(ValueError, match="of its own"), chief.naming_lost_workers():
        raise ValueError("of its own")


def test_workers_wait_for_the_chief_and_leave_in_peace(ended, connected):
    codes, _ = ended
    chief, worker = connected()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(worker.leave)
        assert not waiting.done()
        assert chief.leave()
        assert waiting.result(SECONDS)
    assert (codes, chief.lost, worker.lost) == ([], [], [])


@pytest.fixture
def at_exit(monkeypatch):
    """The module that joins processes, and the functions that it has registered for their end."""
    optional("jax")
    from cyclegan_keras.distribution import devices_jax

    registered = []
    at_exit = types.SimpleNamespace(register=lambda function, *_: registered.append(function))
    monkeypatch.setattr(devices_jax, "atexit", at_exit)
    return devices_jax, registered


def test_a_worker_fails_where_the_chief_is_lost_while_it_saves(ended, connected, at_exit):
    codes, _ = ended
    devices_jax, registered = at_exit
    chief, worker = connected()
    joined = devices_jax.JoinedJaxCluster(worker.cluster, worker)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(joined.__exit__, None, None, None)
        while not worker._is_leaving:
            pass
        cut(chief)
        with pytest.raises(LostWorkerError, match=r"Lost worker 0 \(127.0.0.1:1, the chief\)"):
            waiting.result(SECONDS)
    assert codes == []
    (end,) = registered
    end()
    assert codes == [LostWorkerError.exit_code]


def test_a_chief_that_has_finished_needs_no_others(ended, connected, at_exit):
    codes, _ = ended
    devices_jax, registered = at_exit
    chief, worker = connected()
    joined = devices_jax.JoinedJaxCluster(chief.cluster, chief)
    worker._is_leaving = True
    cut(worker)
    assert chief._wait(lambda: chief._gone, SECONDS)
    joined.exit_code = 130  # of a training that Ctrl-C has ended
    joined.__exit__(None, None, None)
    (end,) = registered
    end()
    assert codes == [130]


def test_a_silent_worker_is_lost(monkeypatch):
    monkeypatch.setattr(lifeline, "SILENT_SECONDS", 0.1)
    ours, theirs = socket.socketpair()  # whose other end says nothing
    chief = Lifeline(Cluster(addresses=ADDRESSES[:2], index=0), {1: ours})
    assert chief._wait(lambda: chief.lost == [1], SECONDS)
    chief.end()
    theirs.close()


def test_a_chief_that_is_kept_waiting_for_a_lost_worker_ends(ended, connected, monkeypatch, capsys):
    codes, announced = ended
    monkeypatch.setattr(lifeline, "GRACE_SECONDS", 0.05)
    chief, worker = connected()
    worker._is_leaving = True
    with chief.exchange():
        cut(worker)
        assert announced.wait(SECONDS)
    assert codes[0] == 1
    assert "Lost worker 1" in capsys.readouterr().err


def test_joining_passes_errors_on_and_ends_in_time(at_exit):
    devices_jax, registered = at_exit
    devices_jax._connect_within(SECONDS, lambda: None)
    with pytest.raises(ZeroDivisionError):
        devices_jax._connect_within(SECONDS, lambda: 1 / 0)
    assert registered == []
    is_over = threading.Event()
    with pytest.raises(DistributionError, match=r"Not all .* within 0.001 minutes"):
        devices_jax._connect_within(0.06, is_over.wait)
    is_over.set()
    assert registered == [lifeline.end_process]  # JAX still waits


def test_a_chief_that_is_late_finds_a_greeting_and_beats(ended):
    host = "::1" if socket.has_dualstack_ipv6() else "127.0.0.1"
    workers = []

    def gather_texts(text):
        _, port, token = text.split()
        workers.append(socket.create_connection((host, int(port))))
        workers[0].sendall(f"{token} 1\nbeat\nbeat\n".encode())
        return [text, ""]

    cluster = Cluster(addresses=ADDRESSES[:2], index=0)
    chief = lifeline.connect(cluster, host, gather_texts)
    assert not chief.lost
    workers[0].close()
    assert chief._wait(lambda: chief.lost == [1], SECONDS)
    chief.end()


def test_strangers_take_nobodys_place_and_missing_workers_are_named(monkeypatch):
    monkeypatch.setattr(lifeline, "CONNECT_SECONDS", 0.2)

    def gather_texts(text):
        _, port, _ = text.split()
        with socket.create_connection(("127.0.0.1", int(port))) as stranger:
            stranger.sendall(b"guess 1\n")
        return [text, ""]

    with pytest.raises(DistributionError, match=r"^Worker 1 \(127.0.0.1:2\) cannot reach"):
        lifeline.connect(Cluster(addresses=ADDRESSES[:2], index=0), "127.0.0.1", gather_texts)
    with pytest.raises(DistributionError, match=r"^Cannot reach worker 0 \(127.0.0.1:1, the chief"):
        lifeline.connect(
            Cluster(addresses=ADDRESSES[:2], index=1), "", lambda text: ["127.0.0.1 1 token", ""]
        )
