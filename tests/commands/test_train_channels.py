"""Training between photos and scans: three channels of 8 bits, and one of Hounsfield units."""

import json

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.commands import evaluate, train
from cyclegan_keras.images.values import Values
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training.table import TRAINERS

pytestmark = [
    pytest.mark.release,  # test_other_channels.py trains the same methods
    pytest.mark.usefixtures("small_and_without_graphs"),
]

HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)
TINY = (
    "--preprocess=none",
    "--generator=resnet_3blocks",
    "--discriminator=pixel",
    "--ngf=1",
    "--ndf=1",
    "--n_epochs=2",
    "--n_epochs_decay=0",
    "--steps_per_epoch=2",
    "--log_every=1",
    "--sample_every=2",
    "--sample_count=4",
    "--value_range=dtype/-1024,3071",
)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A data set of pairs: photos in A, and in B their red channel in Hounsfield units."""
    folder = tmp_path_factory.mktemp("scans")
    random = np.random.default_rng(0)
    for part, count in (("train", 4), ("test", 6)):
        photos, slices = folder / f"{part}A", folder / f"{part}B"
        photos.mkdir()
        slices.mkdir()
        for index in range(count):
            photo = random.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(photo).save(photos / f"{index}.png")
            hounsfield = np.rint(photo[..., 0] / 255 * 4095 - 1024).astype("int16")
            np.save(slices / f"{index}.npy", hounsfield)
    return folder


def run(*words):
    return train.main(["train.py", *map(str, words)])


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
@pytest.mark.parametrize("method", TRAINERS)
def test_a_run_between_photos_and_scans(method, direction, scans, tmp_path, capsys):
    run_dir = tmp_path / "run"
    words = (*TINY, f"--method={method}", f"--direction={direction}", f"--dataset={scans}")
    assert run(*words, f"--run_dir={run_dir}") == 0
    out = capsys.readouterr().out
    if TRAINERS[method].needs_pairs:
        assert "G on x: the mean error to the true counterparts is " in out
        assert ("on a scale of -1024 to 3071" in out) == (direction == "AtoB")

    saved, facts = Run(run_dir).saved_options(), Run(run_dir).saved_facts()
    channels = (3, 1) if direction == "AtoB" else (1, 3)
    assert (saved["input_nc"], saved["output_nc"]) == channels
    assert facts["values"] == {"A": Values().to_dict(), "B": HOUNSFIELD.to_dict()}
    assert all("G/change" in row for row in Run(run_dir).checks())

    generator = networks_of_run(run_dir).networks["generator_g"]
    assert (generator.input_shape[-1], generator.output_shape[-1]) == channels
    values = (generator.description.source_values, generator.description.target_values)
    expected = (Values(), HOUNSFIELD) if direction == "AtoB" else (HOUNSFIELD, Values())
    assert values == expected
    assert generator.description.reader_version == saved["reader_version"]

    words = ("--metrics=paired,cycle", f"--output={tmp_path / 'out'}")
    assert evaluate.main(["evaluate.py", f"--model={run_dir}", *words]) == 0
    directions = json.loads((tmp_path / "out" / "evaluation.json").read_text())["directions"]
    assert len(directions) == (2 if method == "cyclegan" else 1)


def test_the_best_is_kept_without_a_score_of_copies(scans, tmp_path):
    run_dir = tmp_path / "run"
    words = (*TINY, "--method=pix2pix", "--eval_every=2", f"--dataset={scans}")
    assert run(*words, f"--run_dir={run_dir}") == 0
    best = json.loads((run_dir / "best" / "best.json").read_text())
    assert 0 < best["score"] < 1
    error = best["directions"]["x_to_y"]["measures"][0]
    assert error["ceiling"] is None
    assert best["score"] == pytest.approx(error["value"] / 4095)


def test_a_run_starts_from_networks_of_other_channels(scans, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    words = ("--method=pix2pix", "--generator=resnet_4blocks", f"--dataset={scans}")
    assert run(*TINY, *words, f"--run_dir={first}") == 0
    assert run(*TINY, *words, f"--run_dir={second}", f"--init_from={first}") == 0
    assert "Starting generator_g from ResNetGenerator(input_channels=3, output_channels=1" in (
        capsys.readouterr().out
    )
    saved = Run(second).saved_options()
    assert (saved["input_nc"], saved["output_nc"]) == (3, 1)
