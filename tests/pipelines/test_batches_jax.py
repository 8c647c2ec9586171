"""Grain's batches against those of tf.data: the same to the bit."""

import time

import numpy as np
import pytest
from optional import optional
from PIL import Image

from cyclegan_keras.files.errors import LostPicturesError
from pipelines import outage
from pipelines.data import Data
from pipelines.options import DataOptions

pytestmark = pytest.mark.usefixtures("grain")


@pytest.fixture(scope="module")
def grain():
    return optional("grain")


def write(root, counts, shape=(20, 24, 3), top=256):
    random = np.random.default_rng(0)
    for domain, count in counts.items():
        (root / domain).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, top, shape, "uint8" if top == 256 else "uint16")
            Image.fromarray(pixels).save(root / domain / f"{number}.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five pictures of A and three of B, of two sizes, and a list of two pairs among them."""
    root = tmp_path_factory.mktemp("set")
    write(root, {"trainA": 5, "trainB": 3, "testA": 2, "testB": 3})
    Image.new("RGB", (28, 20), "red").save(root / "trainA" / "2.png")
    rows = ["A,B"] + [f"trainA/{number}.png,trainB/{number}.png" for number in range(2)]
    (root / "pairs.csv").write_text("\n".join(rows))
    return root


def both(dataset, *, paired=False, seed=3, **how):
    options = DataOptions(dataset=str(dataset), **how)
    by_tf_data = Data(options, seed=seed, paired=paired)
    return by_tf_data, Data(options, seed=seed, paired=paired, backend="jax")


def assert_same(batches, expected):
    batches = list(batches)
    expected = list(expected.as_numpy_iterator())
    assert len(batches) == len(expected) > 0
    for batch, other in zip(batches, expected, strict=True):
        assert batch.keys() == other.keys()
        for key, values in other.items():
            assert (batch[key].dtype, batch[key].shape) == (values.dtype, values.shape)
            np.testing.assert_array_equal(batch[key], values)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_unpaired_batches_over_the_end_of_epochs(folder, batch_size):
    how = {"batch_size": batch_size, "load_size": 18, "crop_size": 16}
    tf_data, grain = both(folder, seed=-(2**40), **how)
    assert_same(grain.train(0, 11), tf_data.train(0, 11))
    assert_same(grain.train(10_003, 10_009), tf_data.train(10_003, 10_009))


def test_pictures_of_several_sizes(folder):
    tf_data, grain = both(folder, preprocess="none", flip=False)
    assert_same(grain.train(2, 9), tf_data.train(2, 9))
    assert_same(grain.test(), tf_data.test())


def test_pairs_and_their_parts(tmp_path):
    write(tmp_path, {"trainA": 6, "trainB": 6})
    tf_data, grain = both(tmp_path, paired=True, batch_size=4, crop_size=16, load_size=18)
    assert_same(grain.train(98, 103), tf_data.train(98, 103))
    for part in range(2):
        one = {"part": (part, 2), "size": 1}
        assert_same(grain.train(3, 5, **one), tf_data.train(3, 5, **one))


def test_pairs_among_other_samples(folder):
    pairs = {"pairs": str(folder / "pairs.csv"), "pairs_every": 3}
    tf_data, grain = both(folder, load_size=18, crop_size=16, batch_size=2, **pairs)
    assert_same(grain.train(0, 7), tf_data.train(0, 7))


def test_numbers_that_are_no_levels(tmp_path):
    write(tmp_path, {"trainA": 3, "trainB": 3}, shape=(20, 24), top=4096)
    tf_data, grain = both(tmp_path, load_size=18, crop_size=16)
    assert tf_data.forms["x"].dtype == "float32"
    assert_same(grain.train(0, 4), tf_data.train(0, 4))


def test_a_damaged_picture_is_replaced_or_ends_the_reading(tmp_path):
    write(tmp_path, {"trainA": 2, "trainB": 2})
    how = {"load_size": 18, "crop_size": 16, "cache": "none"}
    tf_data, grain = both(tmp_path, **how)
    _, refusing = both(tmp_path, on_bad_image="error", **how)
    damaged = tmp_path / "trainA" / "1.png"
    damaged.write_bytes(damaged.read_bytes()[:-60])
    assert_same(grain.train(0, 4), tf_data.train(0, 4))
    assert "1.png" in grain.left_out()
    with pytest.raises(LostPicturesError, match=r"1\.png"):
        list(refusing.train(0, 4))
    assert isinstance(refusing.patience.failure, LostPicturesError)


def test_a_drive_that_is_gone_is_waited_for_and_ends_all_threads(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(outage, "WAIT_SECONDS", 0.3)
    root = tmp_path / "drive"
    root.symlink_to(folder)
    _, grain = both(root, load_size=18, crop_size=16, cache="none")
    batches = iter(grain.train(0, 1000))
    next(batches)
    root.unlink()
    began = time.monotonic()
    with pytest.raises(LostPicturesError, match="could be read before"):
        for _ in batches:
            pass
    assert time.monotonic() - began < 5
    assert isinstance(grain.patience.failure, LostPicturesError)
