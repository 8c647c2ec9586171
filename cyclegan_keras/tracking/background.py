"""A tracker that is somewhere else, and may be slow or away, without holding up a training."""

import dataclasses
import functools
import queue
import threading
import time
from collections.abc import Callable

from absl import logging

from cyclegan_keras.tracking.reasons import reason_of
from cyclegan_keras.tracking.record import Record
from cyclegan_keras.tracking.tracker import Tracker

MOST_WAITING_BYTES = 256_000_000  # that a tracker has not taken yet; more is not kept for it
ENTRY_BYTES = 4_000  # what a row of curves or a text takes, roughly
PATIENCE_SECONDS = 60.0  # at the end
QUIET_SECONDS = 2.0  # of them, before a message says what is waited for


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Logged:
    """What a tracker has taken.

    Attributes:
        time: when, by the monotonic clock.
        step: of the run.
        names: of curves, pictures and texts.
    """

    time: float
    step: int
    names: list[str]


class Background(Tracker):
    """Hands everything to a tracker in a thread of its own.

    What the tracker refuses is not logged: the first refusal is a warning, and the end says what is
    missing. Nothing that happens in the tracker ends a training or makes a step take longer.

    Args:
        tracker: what is called in the thread.
        title: its name in messages.
        rest: a sentence that says where that is which was not logged.
        record: knows what an earlier process has logged, which is left out; None to log all.
        settle_seconds: after how long what the tracker has taken is safe from a process that is
            killed. Only then it is noted in the record: what is noted is never logged again, so it
            must be there.
    """

    def __init__(
        self,
        tracker: Tracker,
        *,
        title: str,
        rest: str,
        record: Record | None = None,
        settle_seconds: float = 0.0,
    ):
        self.tracker, self.title, self.rest, self.record = tracker, title, rest, record
        self.settle_seconds = settle_seconds
        self._waiting: queue.SimpleQueue[tuple[str, Callable[[], None]] | None] = (
            queue.SimpleQueue()
        )
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._settling: list[_Logged] = []  # what the tracker has taken and the record lacks
        self._lost: list[str] = []  # what was not logged, in words
        self._reason = ""
        # A daemon, so that a server that never answers does not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name=f"tracker-{title}", daemon=True)
        self._thread.start()

    def scalars(self, step, values):
        new = {name: value for name, value in values.items() if self._is_new(name, step)}
        if new:
            self._add(step, functools.partial(self.tracker.scalars, step, new), names=list(new))

    def image(self, step, name, picture):
        if self._is_new(name, step):
            self._add(
                step,
                functools.partial(self.tracker.image, step, name, picture),
                names=[name],
                size=picture.nbytes,
            )

    def text(self, step, name, sentence):
        if self._is_new(name, step):
            log = functools.partial(self.tracker.text, step, name, sentence)
            self._add(step, log, names=[name])

    def options(self, values):
        self._put("the options", functools.partial(self.tracker.options, dict(values)))

    def facts(self, values):
        self._put("the facts", functools.partial(self.tracker.facts, dict(values)))

    def interrupted(self):
        self._put("the end of the run", self.tracker.interrupted)

    def close(self, *, failed=False):
        """Waits for the tracker to take what is left, at most `PATIENCE_SECONDS`."""
        self._put("the end of the run", functools.partial(self._close, failed=failed))
        self._waiting.put(None)
        self._thread.join(QUIET_SECONDS)
        if self._thread.is_alive():
            logging.info(
                "Waiting for %s to take the rest, at most %d seconds.", self.title, PATIENCE_SECONDS
            )
            self._thread.join(PATIENCE_SECONDS - QUIET_SECONDS)
        if self._thread.is_alive():
            logging.warning(
                "%s has not taken everything: %d entries were left. %s",
                self.title,
                max(self._waiting.qsize() - 1, 1),
                self.rest,
            )
        if self._lost:
            logging.warning(
                "%s has not taken %s (%s). %s",
                self.title,
                self._lost_words(),
                self._reason,
                self.rest,
            )

    def _is_new(self, name: str, step: int) -> bool:
        return self.record is None or self.record.is_new(name, step)

    def _add(
        self, step: int, log: Callable[[], None], *, names: list[str], size: int = ENTRY_BYTES
    ) -> None:
        """Has `log` called in the thread, unless too much waits there already.

        Args:
            step: of the entry.
            log: logs it.
            names: of what is logged.
            size: bytes that it takes until then, about.
        """
        with self._lock:
            is_too_much = self._waiting_bytes and self._waiting_bytes + size > MOST_WAITING_BYTES
            if not is_too_much:
                self._waiting_bytes += size
        if is_too_much:
            self._lose(f"step {step}", "it takes too long")
            return
        self._put(f"step {step}", functools.partial(self._log, step, log, names=names, size=size))

    def _log(self, step: int, log: Callable[[], None], *, names: list[str], size: int) -> None:
        try:
            log()
        finally:
            with self._lock:
                self._waiting_bytes -= size
        if self.record is not None:
            self._settling.append(_Logged(time=time.monotonic(), step=step, names=names))
            # Seldom, because each note is a file that is written to the disk.
            if time.monotonic() - self._settling[0].time >= 2 * self.settle_seconds:
                self._note(until=time.monotonic() - self.settle_seconds)

    def _close(self, *, failed: bool) -> None:
        self.tracker.close(failed=failed)
        if self._settling:
            self._note(until=time.monotonic())

    def _note(self, *, until: float) -> None:
        """Writes into the record what the tracker has taken until that time."""
        settled = [logged for logged in self._settling if logged.time <= until]
        self._settling = [logged for logged in self._settling if logged.time > until]
        self.record.note((name, logged.step) for logged in settled for name in logged.names)

    def _put(self, what: str, log: Callable[[], None]) -> None:
        self._waiting.put((what, log))

    def _lose(self, what: str, reason: str) -> None:
        self._lost.append(what)
        if not self._reason:
            self._reason = reason
            logging.warning(
                "%s does not take %s: %s. The training goes on, and says at its end what is "
                "missing there.",
                self.title,
                what,
                reason,
            )

    def _lost_words(self) -> str:
        first, last = self._lost[0], self._lost[-1]
        if first == last:
            return first
        return f"{len(self._lost)} entries, from {first} to {last}"

    def _work(self) -> None:
        while (entry := self._waiting.get()) is not None:
            what, log = entry
            try:
                log()
            except Exception as error:  # whatever it is, the training goes on
                self._lose(what, reason_of(error))
