"""A clock with a deadline: what does not fit into the time left is left out, and named."""

import time


class Clock:
    """Counts down to a deadline, and remembers what was left out.

    Args:
        limit: seconds from `began` to the deadline.
        began: when the whole began, as `time.time()` gives it; now unless given.

    Attributes:
        left_out: sentences, one for each part that was left out.
    """

    def __init__(self, limit: float, began: float | None = None):
        self.began = time.time() if began is None else began
        self.limit = limit
        self.left_out: list[str] = []

    @property
    def passed(self) -> float:
        """Seconds since the beginning."""
        return time.time() - self.began

    @property
    def left(self) -> float:
        """Seconds to the deadline, negative after it."""
        return self.limit - self.passed

    def allows(self, part: str, seconds: float, *, reserved: float = 0) -> bool:
        """Returns whether a part fits into the time left; one that does not is left out.

        Args:
            part: its name.
            seconds: that it takes.
            reserved: seconds that belong to what comes after it.
        """
        free = self.left - reserved
        if seconds <= free:
            return True
        self.leave_out(f"{part}: needs {seconds:.0f} s, and {max(free, 0):.0f} s are left for it")
        return False

    def leave_out(self, sentence: str) -> None:
        """Remembers that something is left out, and why."""
        if sentence not in self.left_out:
            self.left_out.append(sentence)
