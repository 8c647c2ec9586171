"""Which types of numbers pictures may have in files, and what they become in memory."""

import numpy as np

from cyclegan_keras.files.errors import PictureError

# Types in files and in memory. What may not fit is checked number by number.
TYPES = {
    "bool": "uint8",
    "uint8": "uint8",
    "int8": "int16",
    "uint16": "uint16",
    "int16": "int16",
    "uint32": "int32",
    "int32": "int32",
    "uint64": "int32",
    "int64": "int32",
    "float16": "float32",
    "float32": "float32",
    "float64": "float32",
}


def dtype_of_numbers(dtype: np.dtype) -> str:
    """Returns the type in memory of numbers in a file.

    Raises:
        PictureError: such numbers cannot be used; the message is the reason alone.
    """
    name = np.dtype(dtype).name
    if name not in TYPES:
        raise PictureError(f"holds numbers of type {name}, expected one of {', '.join(TYPES)}")
    return TYPES[name]


def checked_numbers(numbers: np.ndarray) -> np.ndarray:
    """Returns numbers of a file in their type in memory, in this machine's order of bytes.

    False and true become 0 and 255. float64 is rounded to float32.

    Raises:
        PictureError: numbers that are not finite, or do not fit; the message is the reason alone.
    """
    dtype = dtype_of_numbers(numbers.dtype)
    if numbers.dtype == bool:
        return numbers.astype(np.uint8) * np.uint8(255)
    if dtype == "float32":
        with np.errstate(over="ignore"):
            converted = numbers.astype(np.float32, copy=False)
        bad = converted.size - int(np.count_nonzero(np.isfinite(converted)))
        if bad:
            raise PictureError(
                f"holds {bad:,} numbers that are not finite (NaN or infinity): replace them first"
            )
        return converted
    if numbers.dtype.name in ("uint32", "uint64", "int64"):
        limits = np.iinfo(np.int32)
        low, high = int(numbers.min()), int(numbers.max())
        if low < limits.min or high > limits.max:
            raise PictureError(
                f"holds numbers from {low} to {high}, expected {limits.min} to {limits.max}"
            )
    return numbers.astype(dtype, copy=False)


def scaled_levels(levels: np.ndarray, bits: int) -> np.ndarray:
    """Returns levels of 1 to 16 bits as uint8 or uint16, so that white is 255 or 65535.

    Args:
        levels: unsigned integers below 2**bits.
        bits: up to 8 become uint8, more uint16.
    """
    dtype = np.uint8 if bits <= 8 else np.uint16
    white = np.iinfo(dtype).max
    own_white = 2**bits - 1
    if own_white == white:
        return levels.astype(dtype, copy=False)
    return ((levels.astype(np.uint32) * white + own_white // 2) // own_white).astype(dtype)


def divided_by_alpha(colors: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns colors that were multiplied by their opacity as they were before.

    Args:
        colors: uint8 or uint16 (height, width, channels).
        alpha: opacity (height, width) of the same type.
    """
    white = int(np.iinfo(colors.dtype).max)
    opacity = np.maximum(alpha.astype(np.int64), 1)[..., None]
    levels = (colors.astype(np.int64) * white + opacity // 2) // opacity
    return np.minimum(levels, white).astype(colors.dtype)
