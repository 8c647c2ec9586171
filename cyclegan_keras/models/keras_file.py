"""Networks out of .keras files."""

import pathlib

import keras

import cyclegan_keras.models.table  # noqa: F401  (Keras loads the classes that are defined)
from cyclegan_keras.files.errors import WeightsError


def load_keras(path: pathlib.Path) -> keras.Model:
    """Returns the network of a .keras file.

    Raises:
        WeightsError: the file is missing, damaged or something else.
    """
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise WeightsError(f"{path} cannot be read as a Keras model: {error}") from error
