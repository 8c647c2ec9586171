import collections
import dataclasses

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import LostPicturesError
from pipelines import order
from pipelines.data import Data
from pipelines.options import DataOptions

COUNT = 5  # pictures of a domain


def put(path, number, size=(24, 20)):
    """A picture whose red tells its number, and whose green and blue tell each place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([np.full_like(rows, 10 * number), 8 * rows, 8 * columns], axis=-1)
    Image.fromarray(pixels.astype("uint8")).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("set")
    for number in range(COUNT):
        put(root / "trainA" / f"{number}.png", number)
        put(root / "trainB" / f"{number}.png", number)
    return root


def build(root, *, paired=False, seed=3, **how):
    options = DataOptions(dataset=str(root), crop_size=8, preprocess="crop")
    options = dataclasses.replace(options, **how)
    return Data(options, seed=seed, paired=paired)


def crops(data, side, numbers):
    return {
        int(crop["number"]): crop["picture"]
        for crop in data.crops(side, numbers).as_numpy_iterator()
    }


def test_a_crop_follows_from_its_number_alone(folder):
    data = build(folder)
    together = crops(data, "x", range(12))
    assert list(together) == list(range(12))
    assert all(picture.shape == (8, 8, 3) for picture in together.values())
    backwards = crops(build(folder, cache="none"), "x", [11, 3, 7, 0])
    assert list(backwards) == [11, 3, 7, 0]
    for number, picture in backwards.items():
        np.testing.assert_array_equal(picture, together[number])
    other_seed = crops(build(folder, seed=4), "x", range(12))
    other_side = crops(data, "y", range(12))
    for number in range(12):
        assert np.abs(other_seed[number] - together[number]).max() > 0
        assert np.abs(other_side[number] - together[number]).max() > 0


def test_a_crop_is_cut_out_of_its_picture_and_half_of_them_are_mirrored(folder):
    data = build(folder)
    numbers = np.arange(4 * COUNT)
    indices = order.of_crops(COUNT, numbers, seed=3, side="x")
    mirrored, places = 0, set()
    for number, picture in crops(data, "x", numbers).items():
        red, green, blue = np.moveaxis(np.round((picture + 1) * 127.5), -1, 0)
        assert np.unique(red).tolist() == [10 * indices[number]]
        assert np.unique(np.diff(green, axis=0)).tolist() == [8]
        (step,) = np.unique(np.diff(blue, axis=1))
        mirrored += step == -8
        places.add((green.min(), blue.min()))
    assert 4 <= mirrored <= 16
    assert len(places) > 10


def test_every_pass_visits_each_picture_once_in_an_order_of_its_own():
    indices = order.of_crops(6, np.arange(18), seed=1, side="x")
    passes = [indices[start : start + 6].tolist() for start in (0, 6, 12)]
    assert all(sorted(each) == list(range(6)) for each in passes)
    assert len(set(map(tuple, passes))) == 3
    np.testing.assert_array_equal(
        order.of_crops(6, np.array([17, 2]), seed=1, side="x"), indices[[17, 2]]
    )
    assert order.of_crops(6, np.arange(18), seed=1, side="y").tolist() != indices.tolist()


def test_crops_of_pairs_show_the_same_place(folder):
    data = build(folder, paired=True)
    x, y = crops(data, "x", range(6)), crops(data, "y", range(6))
    for number in range(6):
        np.testing.assert_array_equal(x[number], y[number])


def test_whole_pictures_of_several_sizes(tmp_path):
    sizes = [(24, 20), (16, 12)]
    for number, size in enumerate(sizes):
        for domain in ("trainA", "trainB"):
            put(tmp_path / domain / f"{number}.png", number, size)
    data = build(tmp_path, preprocess="none")
    assert data.crops("x", [0]).element_spec["picture"].shape == (None, None, 3)
    seen = collections.Counter(picture.shape for picture in crops(data, "x", range(4)).values())
    assert seen == {(20, 24, 3): 2, (12, 16, 3): 2}


def test_a_damaged_picture_is_replaced_or_refused(tmp_path):
    for domain in ("trainA", "trainB"):
        for number in range(2):
            put(tmp_path / domain / f"{number}.png", number)
    skipping = build(tmp_path, cache="none")
    refusing = build(tmp_path, cache="none", on_bad_image="error")
    damaged = tmp_path / "trainA" / "1.png"
    damaged.write_bytes(damaged.read_bytes()[:-30])
    for picture in crops(skipping, "x", range(2)).values():
        assert np.unique(np.round((picture[..., 0] + 1) * 127.5)).tolist() == [0]
    with pytest.raises(Exception, match=r"1\.png"):
        crops(refusing, "x", range(2))
    assert isinstance(refusing.patience.failure, LostPicturesError)
