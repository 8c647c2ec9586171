"""What Keras and TensorFlow keep for a whole process: precision, determinism, random numbers."""

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np

from cyclegan_keras.cli import backends


@contextlib.contextmanager
def global_state(
    *, seed: int, deterministic: bool = False, mixed_precision: str | None = None
) -> Iterator[None]:
    """Prepares the backend for a training, and puts back afterwards what others had chosen.

    Precision, determinism and random numbers are within what the arguments say, whatever an earlier
    training or the caller has set, so that trainings that follow each other in a process equal
    those of processes of their own. Only `keras.config.floatx()`, which a user's keras.json may
    set, stays the caller's: it is the precision where `mixed_precision` is None.

    Afterwards the precision, the determinism and the generators of `random` and `numpy.random` are
    what they were. The generators of Keras and TensorFlow, whose state cannot be read, are seeded
    anew from that of numpy, so that what the caller draws next does not depend on `seed`.

    Args:
        seed: of all generators.
        deterministic: make TensorFlow's operations deterministic.
        mixed_precision: "float16" or "bfloat16"; None for that of `floatx`.

    Raises:
        OptionError: the backend is neither of the two, or cannot do what is asked for.
    """
    backends.prepare(deterministic=deterministic)
    policy = keras.config.dtype_policy()
    python_state, numpy_state = random.getstate(), np.random.get_state()
    was_deterministic = _is_deterministic()
    try:
        _set_deterministic(deterministic)
        # Kernels that exist keep to the determinism that they were made with; this forgets them.
        keras.utils.set_random_seed(seed)
        keras.config.set_dtype_policy(
            f"mixed_{mixed_precision}" if mixed_precision else keras.config.floatx()
        )
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        _set_deterministic(was_deterministic)
        np.random.set_state(numpy_state)
        keras.utils.set_random_seed(int(np.random.randint(2**31)))
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def _is_deterministic() -> bool:
    if keras.config.backend() != "tensorflow":
        return False
    from tensorflow.python.framework import config  # the public module neither tells nor disables

    return config.is_op_determinism_enabled()


def _set_deterministic(deterministic: bool) -> None:
    if keras.config.backend() != "tensorflow":
        return  # `backends.prepare` has refused it
    from tensorflow.python.framework import config

    if deterministic:
        config.enable_op_determinism()
    else:
        config.disable_op_determinism()
