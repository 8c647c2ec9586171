"""A teacher that knows the demo set, at an eighth of its work: as near to the truth as it was."""

import functools

import keras
import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.commands import compress, compress_results, translate
from cyclegan_keras.compression import measuring
from cyclegan_keras.compression.receipt_files import read_receipt
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from pipelines.sources import demo

pytestmark = [
    pytest.mark.slow,  # learns for half a minute
    pytest.mark.release,
]

SIDE = 32  # px of the crops that the teacher learns on
TEACHER_STEPS = 80
STUDENT_STEPS = 120


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The run of a student."""
    folder = tmp_path_factory.mktemp("demo")
    teacher_of_stripes(folder / "g.keras")
    real = measuring.measure_costs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "TEST_COUNT", 16)
        patch.setattr(demo, "TRAIN_COUNT", 100)
        patch.setattr(compress_results, "features_or_none", lambda: None)
        fewer = functools.partial(real, variants=("dynamic",), seconds=0.5)
        patch.setattr(measuring, "measure_costs", fewer)
        words = [
            f"--model={folder / 'g.keras'}",
            f"--run_dir={folder / 'small'}",
            "--dataset=demo/ponies",
            "--preprocess=crop",
            "--crop_size=64",
            "--size=64",
            f"--patch_size={SIDE}",
            f"--target_macs={target_macs()}",
            f"--steps={STUDENT_STEPS}",
            "--learning_rate=3e-3",
            "--lambda_perceptual=0",
        ]
        assert compress.main(["compress.py", *words]) == 0
    return folder / "small"


def build_teacher():
    return ResNetGenerator(ngf=16, n_blocks=2, name="generator_g")


def target_macs():
    """An eighth of what the teacher multiplies for a picture of the demo set."""
    return measuring.count(build_teacher(), demo.SIZE, demo.SIZE)["macs"] // 8


def teacher_of_stripes(path):
    """Writes a generator that has learned from pairs, which takes less time than a CycleGAN."""
    keras.utils.set_random_seed(0)
    x, y = [], []
    for index in range(100):
        scene = demo.make_scene(demo.TRAIN_A, index)
        x.append(to_float(demo.draw(scene, striped=False)))
        y.append(to_float(demo.draw(scene, striped=True)))
    x, y = np.stack(x), np.stack(y)
    random = np.random.default_rng(0)
    pictures = random.integers(0, len(x), 4 * TEACHER_STEPS)
    corners = random.integers(0, demo.SIZE - SIDE + 1, (4 * TEACHER_STEPS, 2))
    crops = [
        [side[n, row : row + SIDE, column : column + SIDE] for side in (x, y)]
        for n, (row, column) in zip(pictures, corners, strict=True)
    ]
    inputs, targets = (np.stack(side) for side in zip(*crops, strict=True))
    teacher = build_teacher()
    teacher.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mae")
    teacher.fit(inputs, targets, batch_size=4, epochs=1, shuffle=False, verbose=0)
    teacher.save(path)


def test_a_student_of_an_eighth_is_as_near_to_the_truth(small):
    (direction,) = read_receipt(small).directions
    costs = direction.costs
    assert costs.network("student").macs <= costs.network("teacher").macs / 8
    (truth,) = [each for each in direction.quality.comparisons if each.name == "L1 to the truth"]
    assert truth.student.value <= 1.05 * truth.teacher.value
    assert truth.teacher.value < truth.copy_score  # it has learned something


def test_the_int8_weights_of_a_student_are_near_its_own(small):
    (direction,) = read_receipt(small).directions
    file = direction.costs.file("student", "dynamic")
    if file is None:
        pytest.skip(" ".join(direction.costs.left_out))
    assert file.psnr_db >= 40
    assert file.kb < direction.costs.file("teacher", "dynamic").kb / 2


def test_a_student_translates_in_tiles_what_it_translates_at_once(small, tmp_path):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (52, 68, 3), "uint8")
    Image.fromarray(pixels).save(tmp_path / "a.png")
    words = [f"--model={small}", f"--input={tmp_path / 'a.png'}"]
    whole, tiled = tmp_path / "whole.png", tmp_path / "tiled.png"
    assert translate.main(["translate.py", *words, f"--output={whole}"]) == 0
    assert translate.main(["translate.py", *words, f"--output={tiled}", "--tile_size=20"]) == 0
    with Image.open(whole) as first, Image.open(tiled) as second:
        difference = np.abs(np.asarray(first, int) - np.asarray(second, int))
    assert difference.max() <= 1
