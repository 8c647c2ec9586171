"""Translating pictures: any size, any number, any file."""

from cyclegan_keras.inference.errors import InferenceError
from cyclegan_keras.inference.translator import Translator

__all__ = ["InferenceError", "Translator"]
