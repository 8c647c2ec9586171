"""The way in to every command, outside the package so that `--help` need not wait for Keras.

`import cyclegan_keras` registers every class with Keras, so that `keras.saving.load_model` reads
what was saved; that takes the seconds in which Keras and TensorFlow load. A command answers
`--help` and a mistyped flag first. So `train.py` and the installed `cyclegan-train` come in through
this module: where `cyclegan_keras` finds it loaded, it registers nothing by itself, and the command
imports what it needs once its flags are known to be right.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is loaded


def train() -> int:
    """Runs train.py with the arguments of this process; returns its exit code."""
    from cyclegan_keras.commands.train import main

    return main(sys.argv)


def translate() -> int:
    """Runs translate.py with the arguments of this process; returns its exit code."""
    from cyclegan_keras.commands.translate import main

    return main(sys.argv)


def evaluate() -> int:
    """Runs evaluate.py with the arguments of this process; returns its exit code."""
    from cyclegan_keras.commands.evaluate import main

    return main(sys.argv)


def export() -> int:
    """Runs export.py with the arguments of this process; returns its exit code."""
    from cyclegan_keras.commands.export import main

    return main(sys.argv)


def compress() -> int:
    """Runs compress.py with the arguments of this process; returns its exit code."""
    from cyclegan_keras.commands.compress import main

    return main(sys.argv)


def check_data() -> int:
    """Runs check_data.py with the arguments of this process; returns its exit code."""
    from cyclegan_keras.commands.check_data import main

    return main(sys.argv)


def weights() -> int:
    """Reads and writes other programs' weights; returns the exit code."""
    from cyclegan_keras.commands.weights import main

    return main(sys.argv[1:])


def pairs() -> int:
    """Joins and splits pictures of pairs; returns the exit code."""
    from pipelines.pairs.__main__ import main

    return main(sys.argv[1:])


def slices() -> int:
    """Cuts DICOM and NIfTI into slices, and joins translated ones; returns the exit code."""
    from pipelines.slices.__main__ import main

    return main(sys.argv[1:])


def serve() -> int:
    """Serves an exported page from this machine; returns the exit code."""
    from cyclegan_keras.export.web.serve import main

    return main(sys.argv[1:])


def beam() -> int:
    """Translates with Apache Beam; returns the exit code."""
    from cyclegan_keras.beam.translate import main

    return main(sys.argv)
