"""The number type that slices are written in: the smallest that holds every value exactly."""

import numpy as np

from cyclegan_keras.files.errors import PictureError

TYPES = ("int16", "uint16", "float32")


def smallest_type(values: np.ndarray) -> str:
    """Returns "int16" or "uint16" where they hold every value exactly, else "float32".

    Args:
        values: finite numbers.

    Example:
        >>> smallest_type(np.array([-1024.0, 3071.0]))
        'int16'
        >>> smallest_type(np.array([0, 40000]))
        'uint16'
        >>> smallest_type(np.array([0.25]))
        'float32'
    """
    for name in ("int16", "uint16"):
        if holds(values, name):
            return name
    return "float32"


def holds(values: np.ndarray, name: str) -> bool:
    """Whether an integer type holds every value exactly."""
    limits = np.iinfo(name)
    if values.min() < limits.min or values.max() > limits.max:
        return False
    return bool(np.issubdtype(values.dtype, np.integer) or np.all(values == np.rint(values)))


def as_type(values: np.ndarray, name: str) -> np.ndarray:
    """Returns the values in one of TYPES.

    Raises:
        PictureError: they do not fit.
    """
    if name != "float32" and not holds(values, name):
        raise PictureError(
            f"holds values from {values.min():g} to {values.max():g} that are no {name}: use "
            "--dtype=float32 or leave --dtype out"
        )
    return values.astype(name)
