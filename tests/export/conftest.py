"""A small job of both directions."""

import numpy as np
import pytest

from cyclegan_keras.export.job import ExportJob
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.models.resnet_generator import ResNetGenerator


@pytest.fixture(scope="session")
def make_job():
    """Makes a job that writes into a folder, with two pictures to compare on."""

    def make(folder, **options):
        pictures = np.random.default_rng(0).integers(0, 256, (3, 22, 30, 3)).astype("uint8")
        return ExportJob(
            generators={
                direction: ResNetGenerator(ngf=2, n_blocks=0, init_gain=0.1)
                for direction in Direction
            },
            folder=folder,
            version=4,
            options=ExportOptions(**options),
            description={"name": "ponies", "licence": "CC0"},
            pictures={direction: list(pictures[:2]) for direction in Direction},
            calibration={direction: list(pictures) for direction in Direction},
        )

    return make
