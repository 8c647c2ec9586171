"""A tracker that fails, hangs or is slow does not touch the training."""

import threading
import time

import numpy as np
import pytest

from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking import background
from cyclegan_keras.tracking.background import Background
from cyclegan_keras.tracking.record import Record
from cyclegan_keras.tracking.tracker import Tracker


class Memory(Tracker):
    """Stands in for a tracker; remembers what it was given.

    Args:
        fails_at: steps at which it refuses curves.
        gate: what it waits for before each curve.
    """

    def __init__(self, fails_at=(), gate=None):
        self.fails_at, self.gate = fails_at, gate
        self.taken = []
        self.failed = None

    def scalars(self, step, values):
        if self.gate is not None:
            self.gate.wait()
        if step in self.fails_at:
            raise RuntimeError("the server is full\nat length")
        self.taken.append((step, *values))

    def image(self, step, name, picture):
        self.taken.append((step, name))

    def text(self, step, name, sentence):
        self.taken.append((step, name))

    def close(self, *, failed=False):
        self.failed = failed


def opened(memory, **keywords):
    return Background(memory, title="tracker", rest="The rest is elsewhere.", **keywords)


def wait_until(is_so):
    while not is_so():
        time.sleep(0.001)


def test_everything_arrives_in_its_order():
    memory = Memory()
    with opened(memory) as tracker:
        for step in range(50):
            tracker.scalars(step, {"loss": 1.0})
        tracker.image(50, "samples", np.zeros((1, 1, 3), "uint8"))
    assert memory.taken[:50] == [(step, "loss") for step in range(50)]
    assert memory.taken[50:] == [(50, "samples")]
    assert memory.failed is False


def test_an_error_of_the_training_is_told_to_the_tracker():
    memory = Memory()
    with pytest.raises(ZeroDivisionError), opened(memory):
        raise ZeroDivisionError
    assert memory.failed is True


def test_refusals_are_a_warning_and_said_at_the_end(caplog):
    memory = Memory(fails_at=(2, 3, 4))
    with opened(memory) as tracker:
        for step in range(6):
            tracker.scalars(step, {"loss": 1.0})
    assert [step for step, _ in memory.taken] == [0, 1, 5]
    assert caplog.messages == [
        "tracker does not take step 2: the server is full. The training goes on, and says at its "
        "end what is missing there.",
        "tracker has not taken 3 entries, from step 2 to step 4 (the server is full). The rest is "
        "elsewhere.",
    ]


def test_a_tracker_that_hangs_holds_up_neither_steps_nor_the_end(caplog, monkeypatch):
    monkeypatch.setattr(background, "MOST_WAITING_BYTES", 3 * background.ENTRY_BYTES)
    monkeypatch.setattr(background, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0.1)
    gate = threading.Event()
    began = time.monotonic()
    with opened(Memory(gate=gate)) as tracker:
        for step in range(20):
            tracker.scalars(step, {"loss": 1.0})
    assert time.monotonic() - began < 5
    gate.set()
    assert any("it takes too long" in message for message in caplog.messages)
    assert any("has not taken everything" in message for message in caplog.messages)
    assert any("to step 19 (it takes too long)" in message for message in caplog.messages)


def test_pictures_that_wait_are_bound_by_their_bytes(monkeypatch):
    monkeypatch.setattr(background, "MOST_WAITING_BYTES", background.ENTRY_BYTES + 1000)
    picture = np.zeros((10, 20, 3), "uint8")
    gate = threading.Event()
    memory = Memory(gate=gate)
    with opened(memory) as tracker:
        tracker.scalars(0, {"loss": 1.0})  # waits for the gate
        tracker.image(1, "samples", picture)
        tracker.image(2, "samples", picture)  # 1,200 bytes together
        gate.set()
        wait_until(lambda: len(memory.taken) == 2 and not tracker._waiting_bytes)
        tracker.image(3, "samples", picture)
    assert [step for step, _ in memory.taken] == [0, 1, 3]


def test_steps_that_a_continued_run_repeats_are_not_logged_twice(tmp_path):
    run = Run(tmp_path)
    before = Memory()
    with opened(before, record=Record(run, "tracker")) as tracker:
        tracker.scalars(10, {"loss": 1.0})
        tracker.scalars(20, {"loss": 1.0})
        tracker.text(20, "doctor", "one")
        tracker.text(20, "doctor", "another")
    assert before.taken == [(10, "loss"), (20, "loss"), (20, "doctor"), (20, "doctor")]

    after = Memory()
    with opened(after, record=Record(run, "tracker")) as tracker:
        tracker.scalars(20, {"loss": 1.0, "eval/score": 2.0})  # killed before the evaluation
        tracker.text(20, "doctor", "one")
        tracker.scalars(30, {"loss": 1.0})
    assert after.taken == [(20, "eval/score"), (30, "loss")]


def test_what_was_refused_is_logged_when_it_is_repeated(tmp_path):
    run = Run(tmp_path)
    with opened(Memory(fails_at=(20,)), record=Record(run, "tracker")) as tracker:
        tracker.scalars(10, {"loss": 1.0})
        tracker.scalars(20, {"loss": 1.0})
    after = Memory()
    with opened(after, record=Record(run, "tracker")) as tracker:
        tracker.scalars(20, {"loss": 1.0})
    assert after.taken == [(20, "loss")]


def test_what_may_be_lost_with_a_process_is_logged_again(tmp_path):
    run = Run(tmp_path)
    killed = opened(Memory(), record=Record(run, "tracker"), settle_seconds=0.2)
    killed.scalars(10, {"loss": 1.0})
    time.sleep(0.3)
    killed.scalars(20, {"loss": 1.0})
    assert not Record(run, "tracker").path.exists()
    time.sleep(0.15)
    killed.scalars(30, {"loss": 1.0})
    wait_until(Record(run, "tracker").path.exists)
    after = Memory()
    with opened(after, record=Record(run, "tracker"), settle_seconds=9) as tracker:
        for step in (10, 20, 30):
            tracker.scalars(step, {"loss": 1.0})
    assert after.taken == [(20, "loss"), (30, "loss")]
    assert not Record(run, "tracker").is_new("loss", 30)  # closed


def test_a_sentence_about_the_run_is_logged_at_one_start(tmp_path):
    run = Run(tmp_path)
    for expected in [[(0, "data/tiny")], []]:
        memory = Memory()
        with opened(memory, record=Record(run, "tracker")) as tracker:
            tracker.about("data/tiny", "3 pictures are tiny.")
        assert memory.taken == expected
