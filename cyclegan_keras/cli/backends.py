"""The choice between Keras' two backends, TensorFlow and JAX."""

import importlib.util
import json
import os
import pathlib

from cyclegan_keras.files.errors import OptionError

BACKENDS = ("tensorflow", "jax")
DETERMINISTIC_XLA = "--xla_gpu_deterministic_ops=true"


def check_environment(only_with_tensorflow: str | None = None) -> None:
    """Checks which backend Keras will use, before its import would end in a traceback.

    KERAS_BACKEND names it, or else "backend" in the file keras.json of the user.

    Args:
        only_with_tensorflow: what is to be done, where it needs TensorFlow whatever the backend,
            in words that begin a sentence.

    Raises:
        OptionError: it is none of the two, or one that is not installed; or the program needs
            TensorFlow, which is not installed.
    """
    backend, said_by = os.environ.get("KERAS_BACKEND", ""), ""
    if not backend:
        config = _config_file()
        backend = _configured(config)
        said_by = f" That is said in {config}: set KERAS_BACKEND=tensorflow, or change the file."
    _check_known(backend, said_by)
    if only_with_tensorflow and not has_tensorflow():
        raise OptionError(
            f"{only_with_tensorflow} needs TensorFlow, which is not installed here: run it where "
            "it is. Runs and .keras files can be copied there, also those trained with JAX."
        )
    if backend == "tensorflow" and not has_tensorflow():
        raise OptionError(
            "Keras uses TensorFlow unless KERAS_BACKEND says otherwise, but TensorFlow is not "
            "installed: install it, or train with KERAS_BACKEND=jax."
        )
    if backend == "jax":
        try:
            import jax  # noqa: F401
        except ModuleNotFoundError as error:
            raise OptionError(
                'KERAS_BACKEND=jax needs JAX: pip install "cyclegan-keras[jax]", or leave it out.'
                + said_by
            ) from error


def _config_file() -> pathlib.Path:
    """Returns where Keras looks for its configuration."""
    if "KERAS_HOME" in os.environ:
        return pathlib.Path(os.environ["KERAS_HOME"], "keras.json").expanduser()
    home = os.path.expanduser("~")
    if not os.access(home, os.W_OK):
        home = "/tmp"
    return pathlib.Path(home, ".keras", "keras.json")


def _configured(path: pathlib.Path) -> str:
    """Returns the backend that the file names; Keras takes TensorFlow where it names none."""
    try:
        return json.loads(path.read_text()).get("backend", "tensorflow")
    except (OSError, ValueError, AttributeError):
        return "tensorflow"


def prepare(*, deterministic: bool = False) -> None:
    """Prepares the backend that Keras uses.

    Under JAX, TensorFlow need not be there. Where it is, Keras loads it, and data sets of
    TensorFlow Datasets are read by it: the accelerators are hidden from it, because it would take
    their memory.

    Args:
        deterministic: whether TensorFlow's operations shall be deterministic.

    Raises:
        OptionError: the backend is neither of the two, or cannot do what is asked for; or it is
            JAX, and TensorFlow uses the accelerators already.
    """
    import keras

    backend = keras.config.backend()
    _check_known(backend)
    if backend != "jax":
        return
    if deterministic:
        raise OptionError(
            "--deterministic is TensorFlow's: with KERAS_BACKEND=jax leave it out, and set "
            f"XLA_FLAGS={DETERMINISTIC_XLA} where there is a GPU."
        )
    if not has_tensorflow():
        return
    import tensorflow as tf

    for kind in ("GPU", "TPU"):
        try:
            tf.config.set_visible_devices([], kind)
        except RuntimeError as error:
            raise OptionError(
                f"TensorFlow uses the {kind} of this process already, so that JAX cannot have "
                "its memory: train in a process of its own."
            ) from error


def has_tensorflow() -> bool:
    """Whether TensorFlow is installed; the question does not load it."""
    return importlib.util.find_spec("tensorflow") is not None


def need_tensorflow(what: str) -> None:
    """Refuses what works with TensorFlow only, unless Keras uses it.

    Args:
        what: was asked for, in the user's words, for example "--eval_every".

    Raises:
        OptionError: Keras uses another backend.
    """
    import keras

    backend = keras.config.backend()
    if backend != "tensorflow":
        absent = "" if has_tensorflow() else ", on a machine where TensorFlow is installed"
        raise OptionError(f"{what} needs TensorFlow: leave KERAS_BACKEND={backend} out{absent}.")


def _check_known(backend: str, said_by: str = "") -> None:
    if backend not in BACKENDS:
        raise OptionError(
            f"KERAS_BACKEND={backend}: expected one of {', '.join(BACKENDS)}.{said_by}"
        )
