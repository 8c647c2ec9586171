"""Pictures of other channels and of deeper numbers, on their way to a batch."""

import logging

import numpy as np
import pytest
import tifffile
from color_profiles import DISPLAY_P3
from PIL import Image

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.values import Values
from pipelines.data import Data
from pipelines.options import DataOptions
from pipelines.pairs import side_by_side


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, array, photometric="minisblack", planarconfig="contig")
    else:
        Image.fromarray(array).save(path)


def noise(shape, dtype, low, high, seed=0):
    numbers = np.random.default_rng(seed).uniform(low, high, shape)
    return numbers.astype(dtype)


def build(root, **how):
    how = {"crop_size": 16, "preprocess": "none", "flip": False, **how}
    return Data(DataOptions(dataset=str(root), **how), seed=3)


def make_set(root, a, b, count=3):
    """Writes `count` pictures of each domain; a and b are f(index) -> (ending, array)."""
    for domain, make in (("A", a), ("B", b)):
        for index in range(count):
            ending, array = make(index)
            write(root / f"train{domain}" / f"{index}{ending}", array)
    return root


def hounsfield(index):
    return ".tif", noise((16, 16), "int16", -1024, 3071, index)


def five_bands(index):
    return ".tif", noise((16, 16, 5), "uint16", 0, 4000, index)


def fractions(index):
    return ".npy", noise((16, 16, 1), "float32", 0, 0.5, index)


def rgb(index):
    return ".png", noise((16, 16, 3), "uint8", 0, 256, index)


def test_hounsfield_units_reach_the_batch_exactly(tmp_path):
    data = build(make_set(tmp_path, hounsfield, rgb), value_range="-1024,3071/dtype")
    assert data.forms["x"] == Form(channels=1, values=Values(dtype="int16", low=-1024, high=3071))
    assert data.forms["y"] == Form()
    assert data.shapes == {"x": (16, 16, 1), "y": (16, 16, 3)}
    assert (data.options.input_nc, data.options.output_nc) == (1, 3)
    expected = [(hounsfield(i)[1].astype(float) + 1024) / 2047.5 - 1 for i in range(3)]
    for batch in data.train(0, 3).as_numpy_iterator():
        assert batch["x"].shape == (1, 16, 16, 1)
        assert batch["y"].shape == (1, 16, 16, 3)
        errors = [np.abs(batch["x"][0, ..., 0] - each).max() for each in expected]
        assert min(errors) < 1e-6
    assert data.samples(2)["x"].shape == (2, 16, 16, 1)
    assert data.unaugmented("train", "x")(0).dtype == np.float32


@pytest.mark.parametrize(
    ("domain", "channels", "dtype"),
    [(five_bands, 5, "uint16"), (fractions, 1, "float32"), (hounsfield, 1, "int16")],
)
def test_what_follows_from_the_pictures(tmp_path, domain, channels, dtype):
    data = build(make_set(tmp_path, rgb, domain))
    form = data.forms["y"]
    numbers = np.stack([domain(index)[1] for index in range(3)])
    assert (form.channels, form.values.dtype) == (channels, dtype)
    assert form.values.low == numbers.min()
    assert form.values.high == numbers.max()
    counted = "1 channel" if channels == 1 else f"{channels} channels"
    assert f"y of {counted}, {dtype}" in data.describe()
    assert data.facts()["values"]["B"] == form.values.to_dict()
    assert data.facts()["values"]["A"] == {"dtype": "uint8", "low": 0.0, "high": 255.0}


def test_the_direction_swaps_forms(tmp_path):
    data = build(make_set(tmp_path, hounsfield, rgb), direction="BtoA")
    assert (data.forms["x"].channels, data.forms["y"].channels) == (3, 1)
    assert data.facts()["values"]["A"]["dtype"] == "int16"
    typed = build(tmp_path, direction="BtoA", input_nc=1)
    assert typed.shapes["x"] == (16, 16, 1)


def test_a_known_range_is_not_looked_for(tmp_path):
    known = {"A": Values(dtype="int16", low=-5, high=5), "B": Values()}
    options = DataOptions(
        dataset=str(make_set(tmp_path, hounsfield, rgb)), crop_size=16, preprocess="none"
    )
    assert Data(options, seed=0, known_values=known).forms["x"].values == known["A"]


def test_resizing_deep_pictures_keeps_their_numbers(tmp_path):
    """A ramp stays a ramp: its steps are finer than 8 bits could tell."""
    ramp = np.tile(np.linspace(0, 4000, 64), (64, 1)).astype(np.uint16)
    make_set(tmp_path, lambda index: (".tif", ramp), rgb)
    data = build(tmp_path, preprocess="scale_width", load_size=32, value_range="0,4095")
    (x,) = next(iter(data.train(0, 1)))["x"].numpy()
    numbers = data.forms["x"].values.from_network(x[0, 2:-2, 0], dtype="float32")
    expected = ramp[0].reshape(32, 2).mean(axis=1)[2:-2]
    np.testing.assert_allclose(numbers, expected, atol=1.0)
    assert x.max() <= 1


def labels(index):
    return ".png", noise((30, 30, 3), "uint8", 0, 2, index) * 200


def test_labels_are_not_mixed_by_resizing(tmp_path):
    make_set(tmp_path, labels, labels)
    data = build(tmp_path, preprocess="scale_width", load_size=16, resize_filter="nearest/bicubic")
    batch = next(iter(data.train(0, 1)))
    assert len(np.unique(batch["x"])) == 2
    assert len(np.unique(batch["y"])) > 10


def test_a_gray_network_sees_rgb_as_luma(tmp_path):
    data = build(make_set(tmp_path, rgb, rgb), input_nc=1)
    x = data.unaugmented("train", "x")(1)
    expected = np.asarray(Image.fromarray(rgb(1)[1]).convert("L"))
    np.testing.assert_array_equal(x[..., 0], expected)
    assert data.unaugmented("train", "y")(1).shape == (16, 16, 3)


def test_pictures_of_other_channels_are_named_and_left_out(tmp_path, caplog):
    make_set(tmp_path, five_bands, rgb)
    write(tmp_path / "trainA" / "3.tif", noise((16, 16, 4), "uint16", 0, 9))
    write(tmp_path / "trainA" / "4.tif", noise((16, 16, 7), "uint16", 0, 9))
    with caplog.at_level(logging.WARNING):
        data = build(tmp_path)
    assert len(data.unaugmented("train", "x")) == 3
    assert "2 of 5 pictures of trainA have other channels than the 5" in caplog.text
    assert data.skipped == ("trainA/3.tif", "trainA/4.tif")
    with pytest.raises(DataError, match=r"trainA/0.tif \(5\).*--input_nc \(of x\)"):
        build(tmp_path, input_nc=3)


@pytest.mark.parametrize("option", ["value_range", "resize_filter"])
def test_more_than_two_domains_are_refused(tmp_path, option):
    with pytest.raises(DataError, match=f"--{option}=.*that of A and that of B"):
        build(make_set(tmp_path, rgb, rgb), **{option: "data/data/data"})


def test_runs_of_the_first_reader_see_eight_bits(tmp_path):
    deep = noise((16, 16), "uint16", 0, 65536)
    make_set(tmp_path, lambda index: (".png", deep), rgb)
    data = build(tmp_path, reader_version=1)
    assert data.forms == {"x": Form(), "y": Form()}
    x = data.unaugmented("train", "x")(0)
    assert x.dtype == np.uint8
    np.testing.assert_allclose(x[..., 0], deep / 257, atol=0.51)


@pytest.mark.parametrize("value_range", ["auto", "p1,p99"])
def test_transparency_can_be_a_channel_of_a_range_that_is_found(tmp_path, value_range):
    def rgba(index):
        return ".png", noise((16, 16, 4), "uint8", 0, 256, index)

    data = build(make_set(tmp_path, rgba, rgb), input_nc=4, value_range=f"{value_range}/dtype")
    x = data.unaugmented("train", "x")(0)
    assert x.shape == (16, 16, 4)
    if value_range == "auto":
        np.testing.assert_array_equal(x, rgba(0)[1])
    else:
        numbers = np.stack([rgba(index)[1] for index in range(3)])
        low, high = np.percentile(numbers, [1, 99])
        values = data.forms["x"].values
        np.testing.assert_allclose([values.low, values.high], [low, high], atol=1.01)


def test_a_continued_run_reads_pages_as_the_first_one_did(tmp_path):
    """Of five pages a gray domain takes the first, whether its channels are found or known."""
    make_set(tmp_path, lambda index: (".tif", noise((16, 16), "uint16", 0, 4000, index)), rgb)
    pages = noise((5, 16, 16), "uint16", 0, 4000)
    tifffile.imwrite(tmp_path / "trainA" / "3.tif", pages, photometric="minisblack")
    first = build(tmp_path)
    continued = build(tmp_path, input_nc=first.options.input_nc)
    assert len(first.unaugmented("train", "x")) == len(continued.unaugmented("train", "x")) == 4
    assert first.steps_per_epoch == continued.steps_per_epoch
    assert first.forms == continued.forms


def test_nothing_that_can_be_decoded_has_no_range(tmp_path):
    make_set(tmp_path, hounsfield, rgb)
    for path in (tmp_path / "trainA").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="None of the 3 pictures of trainA can be read"):
        build(tmp_path)


def test_what_the_versions_read_is_cached_apart(tmp_path):
    """What version 1 cached is found by version 1 alone."""
    folder = make_set(tmp_path / "set", rgb, rgb)
    wide = Image.fromarray(rgb(0)[1])
    wide.save(folder / "trainA" / "0.png", icc_profile=DISPLAY_P3)
    how = {"cache": "disk", "cache_dir": str(tmp_path / "cache")}
    as_they_are = build(folder, reader_version=1, **how).unaugmented("train", "x")(0)
    first = build(folder, reader_version=1, **how)
    list(first.train(0, 3))
    kept = len(list((tmp_path / "cache").glob("*.npy")))
    second = build(folder, **how)
    list(second.train(0, 3))
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2 * kept
    list(build(folder, reader_version=1, **how).train(0, 3))
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2 * kept
    np.testing.assert_array_equal(as_they_are, rgb(0)[1])
    assert (second.unaugmented("train", "x")(0) != as_they_are).any()


def test_frames_that_are_left_out_are_said_once(tmp_path, caplog):
    make_set(tmp_path, rgb, rgb)
    frames = [Image.fromarray(rgb(index)[1]) for index in range(2)]
    for name in ("3.gif", "4.gif"):
        frames[0].save(tmp_path / "trainA" / name, save_all=True, append_images=frames[1:])
    data = build(tmp_path)
    with caplog.at_level(logging.INFO, logger="absl"):
        for index in range(5):
            data.unaugmented("train", "x")(index)
        list(data.train(0, 5))
    said = [message for message in caplog.messages if "Shown once" in message]
    assert said
    assert all("first" in message for message in said)


def test_pairs_of_two_kinds_are_cropped_alike(tmp_path):
    """y is x in other units and in one channel, so it must still be that after the crop."""
    for index in range(3):
        x = noise((24, 24, 3), "uint8", 0, 256, index)
        write(tmp_path / "trainA" / f"{index}.png", x)
        write(tmp_path / "trainB" / f"{index}.npy", x[..., :1].astype(np.int16) * 10 - 1000)
    options = DataOptions(
        dataset=str(tmp_path), preprocess="crop", crop_size=16, value_range="dtype/-1000,1550"
    )
    data = Data(options, seed=0, paired=True)
    for batch in data.train(0, 8).as_numpy_iterator():
        np.testing.assert_allclose(batch["y"][..., 0], batch["x"][..., 0], atol=1e-6)


def test_names_that_end_with_a_and_b_are_pairs(tmp_path):
    for index in range(2):
        write(tmp_path / "mixed" / f"{index}_A.png", rgb(index)[1])
        write(tmp_path / "mixed" / f"{index}_B.png", rgb(index + 5)[1])
    written = side_by_side.combine(tmp_path / "mixed", tmp_path / "mixed", tmp_path / "train")
    assert [path.name for path in written] == ["0.png", "1.png"]
    both = np.asarray(Image.open(written[1]))
    np.testing.assert_array_equal(both, np.hstack([rgb(1)[1], rgb(6)[1]]))


def test_pairs_keep_their_depth_side_by_side(tmp_path):
    for index in range(2):
        write(tmp_path / "A" / f"{index}.tif", hounsfield(index)[1])
        write(tmp_path / "B" / f"{index}.tif", hounsfield(index + 5)[1])
    with pytest.raises(DataError, match="tif"):
        side_by_side.combine(tmp_path / "A", tmp_path / "B", tmp_path / "png")
    written = side_by_side.combine(
        tmp_path / "A", tmp_path / "B", tmp_path / "set" / "train", format="tiff"
    )
    both = tifffile.imread(written[0])
    np.testing.assert_array_equal(both, np.hstack([hounsfield(0)[1], hounsfield(5)[1]]))
    data = Data(
        DataOptions(dataset=str(tmp_path / "set"), preprocess="none", crop_size=16),
        seed=0,
        paired=True,
    )
    assert data.forms["x"].values.dtype == "int16"
