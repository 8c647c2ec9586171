"""Random numbers as a function of two keys and a counter, the same on every backend and device."""

import numpy as np
from keras import ops

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # bits; by turns, four rounds each


def threefry(key, counter):
    """Returns the two words of Threefry-2x32 with twenty rounds.

    Args:
        key: two uint32 tensors.
        counter: two uint32 tensors, of any shape that fits the keys'.

    Returns:
        Two uint32 tensors; each bit of them is a fair coin.

    Reference:
        Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011, section 3.3 and table 2.
    """
    parity = ops.convert_to_tensor(np.uint32(0x1BD11BDA))
    keys = (*key, ops.bitwise_xor(ops.bitwise_xor(*key), parity))
    x, y = counter[0] + keys[0], counter[1] + keys[1]
    # Each number of bits is one tensor for all rounds: graphs of fewer nodes are ready earlier.
    rotations = [[_rotation(bits) for bits in four] for four in ROTATIONS]
    for turn in range(5):
        for rotated in rotations[turn % 2]:
            x = x + y
            y = ops.bitwise_xor(x, rotated(y))
        x = x + keys[(turn + 1) % 3]
        y = y + keys[(turn + 2) % 3] + ops.convert_to_tensor(np.uint32(turn + 1))
    return x, y


def uniform(key, counter):
    """Returns two float32 tensors in [0, 1), multiples of 2^-24; see `threefry`."""
    shift = ops.convert_to_tensor(np.uint32(8))
    words = (ops.bitwise_right_shift(word, shift) for word in threefry(key, counter))
    return [ops.cast(word, "float32") * 2.0**-24 for word in words]


def _rotation(bits):
    """Returns a function that rotates words to the left by a number of bits."""
    left, right = (ops.convert_to_tensor(np.uint32(n)) for n in (bits, 32 - bits))

    def rotated(x):
        return ops.bitwise_or(ops.bitwise_left_shift(x, left), ops.bitwise_right_shift(x, right))

    return rotated
