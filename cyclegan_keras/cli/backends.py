"""What Keras' two backends are told before work begins."""

import os

from cyclegan_keras.files.errors import OptionError

BACKENDS = ("tensorflow", "jax")
DETERMINISTIC_XLA = "--xla_gpu_deterministic_ops=true"


def check_choice() -> None:
    """Checks KERAS_BACKEND before Keras is imported, which would fail at it.

    Raises:
        OptionError: it names neither backend, or JAX where that is not installed.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend not in BACKENDS:
        raise OptionError(f"KERAS_BACKEND={backend}: expected one of {', '.join(BACKENDS)}.")
    if backend == "jax":
        try:
            import jax  # noqa: F401
        except ModuleNotFoundError as error:
            raise OptionError(
                "KERAS_BACKEND=jax needs JAX: install the extra [jax], or leave it out."
            ) from error


def prepare(*, deterministic: bool = False) -> None:
    """Readies the backend that KERAS_BACKEND names, and TensorFlow, which feeds it.

    Under JAX TensorFlow reads and changes pictures on the CPU; the accelerators are hidden from it,
    because it would take their memory.

    Args:
        deterministic: make TensorFlow's operations deterministic.

    Raises:
        OptionError: the backend is neither of them, or does not do what is asked for.
    """
    import keras
    import tensorflow as tf

    backend = keras.config.backend()
    if backend not in BACKENDS:
        raise OptionError(f"KERAS_BACKEND={backend}: expected one of {', '.join(BACKENDS)}.")
    if backend == "jax":
        if deterministic:
            raise OptionError(
                "--deterministic is TensorFlow's: with KERAS_BACKEND=jax leave it out, and set "
                f"XLA_FLAGS={DETERMINISTIC_XLA} where there is a GPU."
            )
        for kind in ("GPU", "TPU"):
            tf.config.set_visible_devices([], kind)
    elif deterministic:
        tf.config.experimental.enable_op_determinism()


def need_tensorflow(what: str) -> None:
    """Refuses what only TensorFlow does.

    Args:
        what: was asked for, as the user calls it.

    Raises:
        OptionError: another backend is chosen.
    """
    import keras

    if keras.config.backend() != "tensorflow":
        raise OptionError(
            f"{what} needs TensorFlow: leave KERAS_BACKEND={keras.config.backend()} out."
        )
