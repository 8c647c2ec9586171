"""How translating tells how far it is."""

import sys

from tqdm.auto import tqdm

LINE_SECONDS = 30.0


def progress_bar(total: int | None, unit: str) -> tqdm:
    """Returns a bar for a terminal, or a line now and then for a log."""
    terminal = sys.stderr.isatty()
    interval = 0.5 if terminal else LINE_SECONDS
    return tqdm(
        total=total,
        unit=unit,
        dynamic_ncols=terminal,
        mininterval=interval,
        maxinterval=interval,
        desc="Translating",
        disable=total == 1,
    )
