"""`Data` of pairs, from every layout, and of a few pairs in an unpaired run."""

import functools
import logging
import zipfile

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import DataError
from pipelines.data import Data
from pipelines.options import DataOptions


def scene(number, size=(40, 24)):
    """Noise in colors of its own, uint8 (height, width, 3)."""
    width, height = size
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def negative(pixels):
    """The other side of a pair, which tells the one from the other, pixel by pixel."""
    return 255 - pixels


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def side_by_side(root, splits=("train", "test"), count=3):
    for split in splits:
        for number in range(count):
            pixels = scene(number + 10 * splits.index(split))
            save(root / split / f"{number}.png", np.hstack([pixels, negative(pixels)]))
    return root


def apart(root, splits=("train", "test"), count=3):
    for split in splits:
        for number in range(count):
            pixels = scene(number + 10 * splits.index(split))
            save(root / f"{split}A" / "sub" / f"{number}.png", pixels)
            save(root / f"{split}B" / "sub" / f"{number}.bmp", negative(pixels))
    return root


LAYOUTS = {"side by side": side_by_side, "apart": apart}


def build(root, paired=True, **how):
    how = {"crop_size": 16, "preprocess": "crop", **how}
    return Data(DataOptions(dataset=str(root), **how), seed=3, paired=paired)


@pytest.fixture(scope="module", params=LAYOUTS)
def folder(request, tmp_path_factory):
    return LAYOUTS[request.param](tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def folder_apart(tmp_path_factory):
    """For what does not depend on the layout."""
    return apart(tmp_path_factory.mktemp("pairs"))


@functools.cache
def data_of(folder, **how):
    """`build` of a folder that no test changes."""
    return build(folder, **how)


@functools.cache
def batches_of(folder, stop_step, **how):
    """The first batches of a folder that no test changes."""
    return list(data_of(folder, **how).train(0, stop_step).as_numpy_iterator())


def assert_pairs(dataset):
    return assert_pairs_of(dataset.as_numpy_iterator())


def assert_pairs_of(batches):
    count = 0
    for batch in batches:
        assert set(batch) == {"x", "y"}
        np.testing.assert_allclose(batch["y"], -batch["x"], atol=1e-6)  # the negative, in [-1, 1]
        count += len(batch["x"])
    return count


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_both_sides_show_one_place(folder, direction):
    data = data_of(folder, direction=direction)
    assert data.paired
    assert data.paired_test
    assert data.steps_per_epoch == 3
    assert assert_pairs_of(batches_of(folder, 9, direction=direction)) == 9
    assert assert_pairs(data.test()) == 3
    samples = data.samples(2)
    np.testing.assert_allclose(samples["y"], -samples["x"], atol=1e-6)
    words = "x = A, y = B" if direction == "AtoB" else "x = B, y = A"
    assert f"{words}, 3 training pairs, 3 test pairs; crop, crop 16 px" in data.describe()


def test_an_epoch_shows_every_pair_once(folder):
    data = build(folder, preprocess="none", flip=False, cache="none")
    batches = list(data.train(0, 6).as_numpy_iterator())
    for epoch in (batches[:3], batches[3:]):
        shown = sorted(np.round((batch["x"][0] + 1) * 127.5).tobytes() for batch in epoch)
        assert shown == sorted(scene(n).astype(np.float32).tobytes() for n in range(3))


def test_direction_says_which_side_is_x(folder):
    forth = batches_of(folder, 9, direction="AtoB")[0]
    back = batches_of(folder, 9, direction="BtoA")[0]
    np.testing.assert_array_equal(forth["x"], back["y"])
    np.testing.assert_array_equal(forth["y"], back["x"])


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_halves_are_not_mixed_up_in_the_cache(tmp_path, cache):
    root = side_by_side(tmp_path / "set")
    for _ in range(2 if cache == "disk" else 1):  # the second time from the files of the first
        assert_pairs(build(root, cache=cache, cache_dir=str(tmp_path / "cache")).train(0, 6))


@pytest.mark.parametrize("preprocess", ["none", "scale_shortside_and_crop", "resize_and_crop"])
def test_scaling_keeps_pairs_together(folder_apart, preprocess):
    """The negative of a scaled picture is the scaled negative, to a level of rounding each way."""
    data = build(folder_apart, preprocess=preprocess, crop_size=12)
    for batch in data.train(0, 3).as_numpy_iterator():
        np.testing.assert_allclose(batch["y"], -batch["x"], atol=2.1 / 127.5)


def test_resuming_is_exact(folder_apart):
    whole = batches_of(folder_apart, 7, batch_size=2)
    tail = build(folder_apart, batch_size=2).train(4, 7).as_numpy_iterator()
    for late, early in zip(tail, whole[4:], strict=True):
        np.testing.assert_array_equal(late["x"], early["x"])
        np.testing.assert_array_equal(late["y"], early["y"])


def test_a_set_of_pairs_is_two_unpaired_sets(folder):
    data = build(folder, paired=False)
    assert not data.paired
    met = [
        np.allclose(batch["y"], -batch["x"], atol=1e-6)
        for batch in data.train(0, 12).as_numpy_iterator()
    ]
    assert not all(met)
    assert "x = A with 3, y = B with 3 training pictures" in data.describe()


def test_equal_names_alone_are_no_ground_truth(tmp_path):
    assert not build(apart(tmp_path / "apart"), paired=False).paired_test
    assert build(side_by_side(tmp_path / "together"), paired=False).paired_test


def test_val_stands_in_for_test(tmp_path):
    side_by_side(tmp_path, ("train", "val"))
    data = build(tmp_path)
    assert data.has_test
    assert data.unaugmented("test", "x").pictures.names[0] == "val/0.png"
    side_by_side(tmp_path, ("test",), count=1)
    assert build(tmp_path).unaugmented("test", "x").pictures.names == ("test/0.png",)


def test_without_test_pairs(tmp_path):
    for layout in LAYOUTS.values():
        data = build(layout(tmp_path / layout.__name__, ("train",)))
        assert not data.has_test
        assert not data.paired_test
        assert data.samples(2)["x"].shape == (2, 16, 16, 3)


def test_facts_tell_halves_apart(folder):
    told = build(folder).facts()["data"]
    assert told["trainA"]["count"] == told["trainB"]["count"] == 3
    assert told["trainA"]["sha256"] != told["trainB"]["sha256"]
    assert build(folder).facts()["data"] == told


def test_the_drawn_pairs():
    data = Data(DataOptions(dataset="demo/pony_pairs"), seed=0, paired=True)
    assert (data.paired_test, data.steps_per_epoch) == (True, 400)
    for batch in data.train(0, 8).as_numpy_iterator():
        same = np.abs(batch["x"] - batch["y"]).max(axis=-1) < 0.05
        assert same.mean() > 0.5  # the meadow; of two scenes it would be some percent


# --- what cannot be used ---------------------------------------------------------------------


def test_a_damaged_picture_takes_its_partner_with_it(tmp_path, caplog):
    apart(tmp_path)
    path = tmp_path / "trainB" / "sub" / "1.bmp"
    path.write_bytes(b"no picture")
    (tmp_path / "testA" / "sub" / "0.png").write_bytes(b"no picture")
    data = build(tmp_path)
    assert "2 training pairs, 2 test pairs" in data.describe()
    assert_pairs(data.train(0, 4))
    assert assert_pairs(data.test()) == 2
    assert data.skipped == ("trainB/sub/1.bmp", "testA/sub/0.png")


def test_a_damage_that_shows_late_takes_its_partner_with_it(tmp_path, caplog):
    apart(tmp_path)
    path = tmp_path / "trainB" / "sub" / "1.bmp"
    path.write_bytes(path.read_bytes()[:-40])
    data = build(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert assert_pairs(data.train(0, 12)) == 12
    assert "trainA/sub/1.png cannot be used (its partner trainB/sub/1.bmp: " in caplog.text
    assert data.skipped == ("trainA/sub/1.png",)


def test_a_size_that_changes_later_takes_its_partner_with_it(tmp_path):
    apart(tmp_path)
    data = build(tmp_path)
    save(tmp_path / "trainB" / "sub" / "1.bmp", scene(1, (41, 24)))
    assert assert_pairs(data.train(0, 6)) == 6
    assert data.skipped == ("trainA/sub/1.png",)


def test_an_unreadable_file_of_both_sides_is_one_picture(tmp_path):
    side_by_side(tmp_path)
    (tmp_path / "train" / "1.png").write_bytes(b"no picture")
    data = build(tmp_path)
    assert data.skipped == ("train/1.png",)
    assert "2 training pairs" in data.describe()
    assert "1 unreadable skipped" in data.describe()


@pytest.mark.parametrize("split", ["train", "test"])
def test_unequal_sizes_are_refused(tmp_path, split):
    apart(tmp_path / "apart")
    save(tmp_path / "apart" / f"{split}B" / "sub" / "1.bmp", scene(1, (40, 26)))
    with pytest.raises(DataError, match=rf"1 of 3 {split}\w* pairs .*1.png \(40x24 and 40x26\)"):
        build(tmp_path / "apart")
    build(tmp_path / "apart", paired=False)
    side_by_side(tmp_path / "together")
    for number in range(3):
        save(tmp_path / "together" / split / f"{number}.png", scene(1, (41, 24)))
    for paired in (True, False):
        with pytest.raises(DataError, match=r"3 of 3 .*0.png \(20x24 and 21x24\).* even width"):
            build(tmp_path / "together", paired=paired)


@pytest.mark.parametrize("split", ["train", "test"])
def test_unequal_names_are_refused(tmp_path, split):
    apart(tmp_path)
    folder = tmp_path / f"{split}B" / "sub"
    (folder / "1.bmp").rename(folder / "one.bmp")
    (folder / "2.bmp").unlink()
    with pytest.raises(DataError) as error:
        build(tmp_path)
    for words in (
        f"{split}A with 3",
        f"{split}B with 2",
        f"{split}A/sub/1.png, {split}A/sub/2.png",
        f"{split}B/sub/one.bmp without a partner",
        "rename or remove",
    ):
        assert words in str(error.value)
    assert not build(tmp_path, paired=False).paired_test


def test_two_of_one_name_are_refused(tmp_path):
    apart(tmp_path)
    save(tmp_path / "trainB" / "sub" / "1.png", scene(1))
    with pytest.raises(DataError, match=r"trainB/sub/1.bmp and trainB/sub/1.png have one name"):
        build(tmp_path)


def test_endings_do_not_change_who_is_whose(tmp_path):
    """By their full names "a.gif" < "a.jpg.png", but "a.png" > "a.jpg.bmp"."""
    for number, (first, second) in enumerate((("a.png", "a.bmp"), ("a.jpg.bmp", "a.jpg.png"))):
        pixels = scene(number)
        save(tmp_path / "trainA" / first, pixels)
        save(tmp_path / "trainB" / second, negative(pixels))
    assert assert_pairs(build(tmp_path).train(0, 4)) == 4


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("demo/ponies", "demo/ponies has no pairs .*train/ of .*side by side.*demo/pony_pairs"),
        ("cycle_gan/facades", "has no pairs .*pix2pix/datasets/facades.tar.gz, unpack it and use"),
        ("cycle_gan/maps", "has no pairs .*pix2pix/datasets/maps.tar.gz"),
        ("cycle_gan/horse2zebra", "has no pairs to train on: choose another --method"),
    ],
)
def test_sets_without_pairs_are_refused(dataset, message, tmp_path):
    with pytest.raises(DataError, match=message):
        build(dataset, data_dir=str(tmp_path))
    assert not list(tmp_path.iterdir())  # nothing was downloaded for it


def test_a_batch_larger_than_the_set(folder):
    with pytest.raises(DataError, match="--batch_size=4 is more than the 3"):
        build(folder, batch_size=4)


def test_the_real_facades(shared_data, tmp_path):
    """Left are photographs; right are label maps, which have few colors."""
    with zipfile.ZipFile(shared_data / "data" / "facades.zip") as archive:
        names = [f"facades/{split}/{n}.jpg" for split in ("train", "test") for n in (1, 2, 3)]
        archive.extractall(tmp_path, names)
    data = build(tmp_path / "facades", preprocess="resize_and_crop", crop_size=64)
    assert (len(list(data.test())), data.paired_test) == (3, True)
    for batch in data.train(0, 3).as_numpy_iterator():
        coarse = {side: len(np.unique(np.round(batch[side] * 8))) for side in "xy"}
        greyness = {side: np.ptp(batch[side], axis=-1).mean() for side in "xy"}
        assert greyness["y"] > 3 * greyness["x"], (coarse, greyness)


# --- a few pairs in an unpaired run ----------------------------------------------------------


def unpaired_with_list(root):
    """Dark against bright pictures, and two pairs of noise and its negative."""
    for name, low in (("trainA", 0), ("trainB", 128)):
        for number in range(4):
            save(root / "set" / name / f"{name}{number}.png", scene(number) // 4 + low)
    rows = ["A,B"]
    for number in range(2):
        save(root / "few" / f"{number}_a.png", scene(number))
        save(root / "few" / f"{number}_b.png", negative(scene(number)))
        rows.append(f"few/{number}_a.png,few/{number}_b.png")
    (root / "pairs.csv").write_text("\n".join(rows))
    return root


@pytest.fixture(scope="module")
def with_list(tmp_path_factory):
    return unpaired_with_list(tmp_path_factory.mktemp("list"))


@pytest.fixture
def own_with_list(tmp_path):
    """The same, for tests that change its files."""
    return unpaired_with_list(tmp_path)


def build_mixed(root, **how):
    return build(root / "set", paired=False, pairs=str(root / "pairs.csv"), **how)


@functools.cache
def mixed_batches(root, direction):
    data = build_mixed(root, pairs_every=3, direction=direction, batch_size=2)
    return list(data.train(0, 9).as_numpy_iterator())


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_listed_pairs_come_now_and_then(with_list, direction):
    data = build_mixed(with_list, pairs_every=3, direction=direction, batch_size=2)
    assert not data.paired
    flags = []
    for batch in mixed_batches(with_list, direction):
        flags += batch["paired"].tolist()
        for x, y, paired in zip(batch["x"], batch["y"], batch["paired"], strict=True):
            assert np.allclose(x, -y, atol=1e-6) == bool(paired)
            if not paired:
                assert (x.max() < y.min()) == (direction == "AtoB")
    assert flags == [1.0, 0.0, 0.0] * 6
    assert "training pictures, 1 of 3 samples one of 2 pairs, no test" in data.describe()


def test_parts_of_batches_with_and_of_pairs(with_list, folder_apart):
    mixed = build_mixed(with_list, pairs_every=3, batch_size=2)
    pairs = data_of(folder_apart, batch_size=2)
    for data, whole in (
        (mixed, mixed_batches(with_list, "AtoB")[0]),
        (pairs, batches_of(folder_apart, 7, batch_size=2)[0]),
    ):
        parts = [next(data.train(0, 1, part=(i, 2)).as_numpy_iterator()) for i in range(2)]
        for name, expected in whole.items():
            together = np.concatenate([part[name] for part in parts])
            np.testing.assert_array_equal(together, expected)


def test_listed_pairs_follow_the_direction(with_list):
    forth = mixed_batches(with_list, "AtoB")[0]
    back = mixed_batches(with_list, "BtoA")[0]
    assert forth["paired"][0] == back["paired"][0] == 1
    np.testing.assert_array_equal(forth["x"][0], back["y"][0])
    facts = build_mixed(with_list).facts()["data"]
    assert facts["pairsA"] == build_mixed(with_list, direction="BtoA").facts()["data"]["pairsA"]
    assert facts["pairsA"]["count"] == 2


def test_without_a_list_there_is_no_third_entry(with_list):
    data = build(with_list / "set", paired=False)
    assert set(data.train(0, 1).element_spec) == {"x", "y"}
    assert set(data.facts()["data"]) == {"name", "trainA", "trainB"}


@pytest.mark.parametrize("where", ["A", "B"])
def test_an_unreadable_pair_is_named(own_with_list, where, caplog):
    name = f"1_{where.lower()}.png"
    (own_with_list / "few" / name).write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        data = build_mixed(own_with_list)
    assert data.skipped == (f"pairs.csv row 3: few/{name}",)
    assert "one of 1 pairs" in data.describe()
    with pytest.raises(DataError, match=f"row 3: few/{name}"):
        build_mixed(own_with_list, on_bad_image="error")
    (own_with_list / "few" / name.replace("1", "0")).write_bytes(b"no picture")
    with pytest.raises(DataError, match="2 of 2 pictures of"):
        build_mixed(own_with_list)


def test_pairs_of_unequal_size_are_refused(own_with_list):
    save(own_with_list / "few" / "1_b.png", scene(1, (24, 40)))
    with pytest.raises(DataError, match=r"pairs.csv row 3: few/1_a.png \(40x24 and 24x40\)"):
        build_mixed(own_with_list)


def test_pairs_that_are_smaller_than_the_crop_are_refused(own_with_list):
    for side in "ab":
        save(own_with_list / "few" / f"1_{side}.png", scene(1, (12, 12)))
    with pytest.raises(DataError, match=r"--crop_size=16: pairs.csv row 3: .*\(12x12\)"):
        build_mixed(own_with_list)
    with pytest.raises(DataError, match="--batch_size=2 needs pictures of one size, but 2"):
        build_mixed(own_with_list, preprocess="none", batch_size=2)
    assert build_mixed(own_with_list, preprocess="none").shapes["x"] == (None, None, 3)


@pytest.mark.parametrize(
    ("paired", "how", "message"),
    [
        (True, {"pairs": "pairs.csv"}, "--pairs=pairs.csv is for unpaired training"),
        (False, {"pairs": "nowhere.csv"}, "--pairs=nowhere.csv cannot be read"),
        (False, {"pairs": "", "pairs_every": 0}, "--pairs_every=0: expected at least 1"),
    ],
)
def test_what_cannot_work_is_said(with_list, paired, how, message):
    with pytest.raises(DataError, match=message):
        build(with_list / "set", paired=paired, **how)
