"""Several trackers as one."""

import contextlib
from collections.abc import Sequence

from cyclegan_keras.tracking.tracker import Tracker


class Several(Tracker):
    """Gives everything to each of several trackers, in their order.

    Args:
        trackers: are closed with this one, the last one first.
    """

    def __init__(self, trackers: Sequence[Tracker]):
        self.trackers = list(trackers)

    def scalars(self, step, values):
        for tracker in self.trackers:
            tracker.scalars(step, values)

    def image(self, step, name, picture):
        for tracker in self.trackers:
            tracker.image(step, name, picture)

    def text(self, step, name, sentence):
        for tracker in self.trackers:
            tracker.text(step, name, sentence)

    def about(self, name, sentence):
        for tracker in self.trackers:
            tracker.about(name, sentence)

    def options(self, values):
        for tracker in self.trackers:
            tracker.options(values)

    def facts(self, values):
        for tracker in self.trackers:
            tracker.facts(values)

    def interrupted(self):
        for tracker in self.trackers:
            tracker.interrupted()

    def close(self, *, failed=False):
        with contextlib.ExitStack() as stack:  # closes each, whatever another one raises
            for tracker in self.trackers:
                stack.callback(tracker.close, failed=failed)
