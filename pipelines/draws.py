"""Random numbers in numpy, equal to the bit to those that TensorFlow draws from a seed.

TensorFlow's stateless functions (`tf.random.stateless_uniform` and the like) draw by Philox 4x32-10
on CPUs and GPUs: a key of 64 bits turns each value of a counter of 128 bits into 128 random bits.
Key and counter come from a seed, which is two whole numbers of 64 bits. Runs that were begun with
TensorFlow are continued without it, and see their pictures in the same order.

A seed is an int64 array (..., 2), and every function draws for all of the leading axes at once, for
each what it would draw for it alone.

Reference: Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
"""

import numpy as np

ROUNDS = 10
# Of a round: what the even words of the counter are multiplied by, and what is added to the key.
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
# The key with which TensorFlow makes of a seed the key and the counter of its stream.
SEED_KEY = (0x3EC8F720, 0x02461E29)
WORD = np.uint64(32)
LOW_WORD = np.uint64(0xFFFFFFFF)


def fold_in(seed: np.ndarray, data: np.ndarray | np.integer) -> np.ndarray:
    """Returns a seed of its own for each number, as `tf.random.fold_in` does.

    Args:
        seed: int64 (..., 2).
        data: whole numbers, (...) or a shape that goes with it. As in TensorFlow, numbers of type
            int32, which is that of a plain Python number there, lead to other seeds than those of
            type int64.

    Returns:
        int64 (..., 2).
    """
    data = np.asarray(data)
    if data.dtype == np.int32:
        drawn = words(seed, 1)[..., 0].view(np.int32).astype(np.int64)
    else:
        drawn = _int64(seed, 1)[..., 0]
    return np.stack(np.broadcast_arrays(drawn, data.astype(np.int64)), axis=-1)


def split(seed: np.ndarray, count: int) -> np.ndarray:
    """Returns `count` independent seeds for each seed, as `tf.random.split` does.

    Those of a smaller count are the first ones of a larger count.

    Args:
        seed: int64 (..., 2).
        count: how many.

    Returns:
        int64 (..., count, 2).
    """
    seed = np.asarray(seed, np.int64)
    return _int64(seed, 2 * count).reshape(*seed.shape[:-1], count, 2)


def whole_numbers(seed: np.ndarray, count: int, stop: int) -> np.ndarray:
    """Draws from 0..stop - 1, as `tf.random.stateless_uniform` does with int64 and `maxval=stop`.

    Args:
        seed: int64 (..., 2).
        count: how many for each seed.
        stop: from 1 to 2**63 - 1.

    Returns:
        int64 (..., count).
    """
    drawn = _int64(seed, count).view(np.uint64)
    return (drawn % np.uint64(stop)).astype(np.int64)


def words(seed: np.ndarray, count: int) -> np.ndarray:
    """Returns the first words of the stream of each seed, of which all else is made.

    Args:
        seed: int64 (..., 2).
        count: how many for each seed.

    Returns:
        uint32 (..., count).
    """
    halves = np.asarray(seed, np.int64).view(np.uint64)
    low, high = halves & LOW_WORD, halves >> WORD
    of_seed = [low[..., 0], high[..., 0], low[..., 1], high[..., 1]]
    key_0, key_1, counter_2, counter_3 = _philox(of_seed, SEED_KEY)

    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    counter = [
        blocks & LOW_WORD,
        blocks >> WORD,
        counter_2[..., None],
        counter_3[..., None],
    ]
    drawn = _philox(counter, (key_0[..., None], key_1[..., None]))
    stream = np.stack(np.broadcast_arrays(*drawn), axis=-1)
    return stream.reshape(*stream.shape[:-2], -1)[..., :count].astype(np.uint32)


def shuffled(seed: np.ndarray, count: int) -> np.ndarray:
    """Returns 0..count - 1 in a random order, as `tf.random.experimental.stateless_shuffle` does.

    Args:
        seed: int64 (2,).
        count: how many, less than 2**32.

    Returns:
        int64 (count,).
    """
    places = np.arange(count - 1)
    others = places + words(seed, max(count - 1, 0)) % (count - places)
    order = list(range(count))
    for place, other in enumerate(others.tolist()):  # Fisher and Yates: each step needs the last
        order[place], order[other] = order[other], order[place]
    return np.array(order, np.int64)


def _int64(seed: np.ndarray, count: int) -> np.ndarray:
    """Returns (..., count) of all int64 numbers, each of two words, the lower one first."""
    pairs = words(seed, 2 * count).astype(np.uint64)
    return (pairs[..., 0::2] | pairs[..., 1::2] << WORD).view(np.int64)


def _philox(counter: list, key: tuple) -> list:
    """Returns four random words for each counter.

    Args:
        counter: four arrays of words, held in uint64, whose shapes go together.
        key: two words, or arrays of them.
    """
    word_0, word_1, word_2, word_3 = counter
    key_0, key_1 = (np.asarray(each, np.uint64) for each in key)
    for _ in range(ROUNDS):
        product_0 = word_0 * np.uint64(MULTIPLIERS[0])
        product_2 = word_2 * np.uint64(MULTIPLIERS[1])
        word_0 = product_2 >> WORD ^ word_1 ^ key_0
        word_1 = product_2 & LOW_WORD
        word_2 = product_0 >> WORD ^ word_3 ^ key_1
        word_3 = product_0 & LOW_WORD
        key_0 = key_0 + np.uint64(KEY_STEPS[0]) & LOW_WORD
        key_1 = key_1 + np.uint64(KEY_STEPS[1]) & LOW_WORD
    return [word_0, word_1, word_2, word_3]
