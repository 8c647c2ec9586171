"""Translating pictures: any size, any number, any file."""

from cyclegan_keras.inference.errors import InferenceError, PictureError, WriteError
from cyclegan_keras.inference.fingerprint import fingerprint
from cyclegan_keras.inference.job import Outcome, Settings, automatic_batch, run_job
from cyclegan_keras.inference.listing import Listing, Task, list_tasks
from cyclegan_keras.inference.options import TranslateOptions
from cyclegan_keras.inference.picture import Picture
from cyclegan_keras.inference.reading import read_picture
from cyclegan_keras.inference.recipe import Recipe, translate_picture
from cyclegan_keras.inference.record import Record
from cyclegan_keras.inference.translator import Translator
from cyclegan_keras.inference.video import translate_video
from cyclegan_keras.inference.writing import FORMATS, write_picture

__all__ = [
    "FORMATS",
    "InferenceError",
    "Listing",
    "Outcome",
    "Picture",
    "PictureError",
    "Recipe",
    "Record",
    "Settings",
    "Task",
    "TranslateOptions",
    "Translator",
    "WriteError",
    "automatic_batch",
    "fingerprint",
    "list_tasks",
    "read_picture",
    "run_job",
    "translate_picture",
    "translate_video",
    "write_picture",
]
