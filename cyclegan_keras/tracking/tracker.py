"""What every tracker takes: curves, pictures, texts, options and facts of one run."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cyclegan_keras.files.errors import WriteError


class Tracker:
    """Shows a run to people while it trains; this one shows nothing.

    As a context manager it is closed at the end.

    Example:
        >>> with Tracker() as tracker:
        ...     tracker.scalars(100, {"cycle_x": 0.25})
    """

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Adds a point to each of the curves that `values` names.

        Args:
            step: of the whole run, from 0; a run that is continued goes on counting. Several calls
                may have the same, and evaluations may come after later ones.
            values: curve -> its value, perhaps NaN or infinite. Slashes in a name group curves, as
                in "test/x_to_y/KID".
        """

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        """Adds a picture.

        Args:
            step: as of `scalars`.
            name: of the row of pictures that it belongs to, perhaps with slashes.
            picture: uint8 (height, width, 3), RGB.
        """

    def text(self, step: int, name: str, sentence: str) -> None:
        """Adds a sentence.

        Args:
            step: as of `scalars`.
            name: of what it is about, perhaps with slashes, as in "data/few". Several sentences of
                one step may have the same name.
            sentence: plain text.
        """

    def about(self, name: str, sentence: str) -> None:
        """Adds a sentence about the whole run, unless an earlier start of the run has added it.

        Args:
            name: as of `text`.
            sentence: as of `text`.
        """
        self.text(0, name, sentence)

    def options(self, values: Mapping[str, Any]) -> None:
        """Says with which options the run is made.

        Args:
            values: option by name, as in options.json.
        """

    def facts(self, values: Mapping[str, Any]) -> None:
        """Says what is true of the run but nobody chose: its pictures and versions.

        Args:
            values: nested dicts, as in facts.json.
        """

    def interrupted(self) -> None:
        """Says that a signal ends the run before its last step; to be called before `close`."""

    def close(self, *, failed: bool = False) -> None:
        """Writes what is left.

        Args:
            failed: whether an error has ended the run.

        Raises:
            WriteError: what is left cannot be written.
        """

    def __enter__(self):
        return self

    def __exit__(self, error_type, error, traceback):
        if isinstance(error, KeyboardInterrupt):
            self.interrupted()
        try:
            self.close(failed=error is not None)
        except WriteError:
            if error is None:  # what ended the block says more
                raise
