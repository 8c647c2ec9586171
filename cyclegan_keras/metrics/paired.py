"""Errors against a known counterpart, for data sets that have one."""

from collections.abc import Callable, Iterable

import numpy as np


def paired_error(
    translate: Callable[[np.ndarray], np.ndarray], pairs: Iterable[tuple[np.ndarray, np.ndarray]]
) -> dict[str, float]:
    """Mean absolute error of translations against their true counterparts, on the scale 0..255.

    Args:
        translate: maps a batch in [-1, 1], (batch, height, width, channels), to its translation.
        pairs: (input, true counterpart) batches in [-1, 1].

    Returns:
        `"translated"`: mean |translate(x) - truth|; `"copied"`: mean |x - truth|, what doing
        nothing gives; `"cut"`: the share of the copying error that the translation removes.

    Raises:
        ValueError: `pairs` is empty.
    """
    translated, copied = [], []
    for source, truth in pairs:
        translated.append(np.mean(np.abs(np.asarray(translate(source)) - truth)))
        copied.append(np.mean(np.abs(np.asarray(source) - truth)))
    if not translated:
        raise ValueError("`pairs` must hold at least one batch. Received none.")
    error, floor = float(np.mean(translated)) * 127.5, float(np.mean(copied)) * 127.5
    return {"translated": error, "copied": floor, "cut": 1 - error / floor}
