"""LiteRT in Python, by the file that needs nothing else of this project, without TensorFlow."""

import pathlib
import sys
import time

import numpy as np
import turns

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cyclegan_keras" / "export"))

import tflite_run


def work(path: pathlib.Path, threads: int) -> None:
    """Serves translations of one picture by a file."""
    began = time.perf_counter()
    interpreter = tflite_run.open_model(path, threads)
    _, height, width, channels = interpreter.get_input_details()[0]["shape"]
    picture = np.random.default_rng(0).integers(0, 256, (height, width, channels), "uint8")

    def translate() -> None:
        tflite_run.translate(interpreter, picture)

    translate()
    facts = {"first_seconds": time.perf_counter() - began}
    turns.serve(facts, {"translate": translate}, turns.own_peak_mb)
