"""The smallest compressions, for tests of what the command leaves behind."""

import keras
import numpy as np
import pytest
from made_runs import make_run

from cyclegan_keras.commands import compress, compress_learning, compress_results
from cyclegan_keras.compression import measuring
from cyclegan_keras.compression.measuring import Costs, NetworkCost
from cyclegan_keras.export.tflite import count
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from pipelines.sources import demo

STEPS = 4
TINY = (
    "--shape=4x1",
    f"--steps={STEPS}",
    "--batch_size=2",
    "--repeats=2",
    "--lambda_perceptual=0",
    "--log_every=2",
    "--sample_every=3",
    "--sample_count=1",
)


def run(*words):
    """Runs the command in this process."""
    return compress.main(["compress.py", *map(str, words)])


def keep_small(patch: pytest.MonkeyPatch) -> None:
    """Few demo pictures, nothing exported for the receipt, no features computed."""
    patch.setattr(demo, "TEST_COUNT", 4)
    patch.setattr(demo, "TRAIN_COUNT", 12)
    patch.setattr(compress_learning, "INHERITED_FROM", 4)
    patch.setattr(measuring, "measure_costs", counted_costs)
    patch.setattr(compress_results, "features_or_none", lambda: None)


def untrained_ponies(folder):
    """Writes the run of a CycleGAN that nobody has trained; returns its directory."""
    keras.utils.set_random_seed(0)
    how = {"ngf": 8, "n_blocks": 2, "init_gain": 0.3}
    return make_run(
        folder,
        {
            "generator_g": ResNetGenerator(**how, name="generator_g"),
            "generator_f": ResNetGenerator(**how, name="generator_f"),
            "discriminator_x": PixelDiscriminator(ndf=2, name="discriminator_x"),
            "discriminator_y": PixelDiscriminator(ndf=2, name="discriminator_y"),
        },
        facts={"domains": ["brown ponies", "striped ponies"]},
        method="cyclegan",
        dataset="demo/ponies",
        preprocess="crop",
        crop_size=16,
        reader_version=2,
        generator="resnet_2blocks",
        ngf=8,
        discriminator="pixel",
        ndf=2,
        input_nc=3,
        output_nc=3,
    )


def same_weights(network, other):
    """Whether two networks have equal weights."""
    pairs = zip(network.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(weight, expected) for weight, expected in pairs)


def counted_costs(teachers, students, *, size, threads, **rest):
    """In place of `measure_costs`, which exports two dozen files."""
    costs = {}
    for direction, student in students.items():
        networks = {"teacher": teachers[direction], "student": student}
        costs[direction] = Costs(
            height=size[0],
            width=size[1],
            threads=threads,
            networks=tuple(
                NetworkCost(network=name, **count(network, *size))
                for name, network in networks.items()
            ),
            files=(),
            left_out=(),
        )
    return costs
