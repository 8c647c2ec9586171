"""Five steps of the reference in float64, recorded without rounding, with its own files of weights.

Beside what tests/training/test_golden_trajectory.py compares, these two runs have batches of
several pictures, a pool that swaps, a learning rate that falls, and batch norm, whose running
statistics tell in which order a discriminator judges.
"""

import json
import pathlib

import keras
import numpy as np
import pytest
from golden_adams import TorchAdam
from golden_files import CYCLEGAN_NETWORKS, nhwc, reference_losses, torch_variables

from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.weights.layouts import to_torch
from cyclegan_keras.weights.networks import load_network

CASES = ("no_pool_batch3_68x60", "batch_norm_pixel_pool3_40x56")


class RecordedDraws:
    """A pool that exchanges pictures by recorded draws instead of its own."""

    def __init__(self, pool, draws):
        self.pool, self.draws = pool, iter(draws)

    def __call__(self, images):
        probabilities, indices = zip(*next(self.draws), strict=True)
        return self.pool.query(images, np.array(probabilities), np.array(indices, "int32"))


@pytest.fixture
def case(request, shared_data) -> pathlib.Path:
    folder = shared_data / "golden" / "float64" / request.param
    if not folder.is_dir():
        pytest.skip("the unrounded steps are not among the large test data")
    return folder


def train(folder, reference):
    """Returns a trainer after the recorded steps, and the losses of each."""
    recorded = json.loads((folder / "options.json").read_text())
    options = recorded["options"]
    golden = {
        "lr": options["lr"],
        "beta1": options["beta1"],
        "beta2": 0.999,
        "adam_eps": 1e-8,
        "lambda_A": options["lambda_A"],
        "lambda_identity": options["lambda_identity"],
        "loss_names": reference["names"],
    }
    networks = {
        name: load_network(folder / "init" / f"latest_net_{theirs}.pth")
        for name, theirs in CYCLEGAN_NETWORKS.items()
    }
    trainer = CycleGAN(
        **networks,
        gan_mode=options["gan_mode"],
        lambda_cycle=options["lambda_A"],
        lambda_identity=options["lambda_identity"],
        pool_size=options["pool_size"],
    )
    images = {"x": nhwc(reference["A"]), "y": nhwc(reference["B"])}
    trainer.build({side: batches.shape[1:] for side, batches in images.items()})
    optimizers = TorchAdam(golden), TorchAdam(golden)
    trainer.compile(*optimizers, run_eagerly=True)
    if options["pool_size"]:
        trainer.pool_x = RecordedDraws(trainer.pool_x, recorded["pool_draws"]["A"])
        trainer.pool_y = RecordedDraws(trainer.pool_y, recorded["pool_draws"]["B"])
    losses = []
    for x, y, rate in zip(images["x"], images["y"], reference["lrs"], strict=True):
        for optimizer in optimizers:
            optimizer.rate = rate
        trainer.reset_metrics()
        data = {"x": x.astype(keras.config.floatx()), "y": y.astype(keras.config.floatx())}
        losses.append(reference_losses(trainer.train_step(data), golden))
    return trainer, losses


@pytest.mark.release
@pytest.mark.usefixtures("_float64")
@pytest.mark.parametrize("case", CASES, indirect=True)
def test_every_loss_weight_and_running_statistic_is_the_references(case):
    reference = np.load(case / "reference.npz")
    trainer, losses = train(case, reference)
    np.testing.assert_allclose(losses, reference["losses"], rtol=1e-10, atol=1e-10)
    for name, theirs in CYCLEGAN_NETWORKS.items():
        for key, variable in torch_variables(trainer.networks[name]).items():
            np.testing.assert_allclose(
                to_torch(np.array(variable)),
                reference[f"final/{theirs}/{key}"],
                rtol=0,
                atol=1e-9,
                err_msg=f"{name} {key}",
            )
    for direction, theirs, side in (("x_to_y", "G_A", "A"), ("y_to_x", "G_B", "B")):
        translated = trainer.translate(nhwc(reference[side][-1]).astype("float64"), direction)
        np.testing.assert_allclose(translated, nhwc(reference[f"eval/{theirs}"]), atol=1e-8)
