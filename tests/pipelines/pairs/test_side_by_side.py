import errno
import pathlib

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import DataError, WriteError
from cyclegan_keras.images.first_reading import read_size
from pipelines.pairs import side_by_side


def noise(seed, size=(10, 6)):
    width, height = size
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def domains(tmp_path):
    """A and B with train, val and a folder in train; B has other endings."""
    for number, name in enumerate(("train/1", "train/old/2.b", "val/1")):
        save(tmp_path / "A" / f"{name}.png", noise(number))
        save(tmp_path / "B" / f"{name}.BMP", noise(number + 50))
    return tmp_path


def combine(folder, **how):
    return side_by_side.combine(folder / "A", folder / "B", folder / "AB", **how)


def test_there_and_back_bit_for_bit(domains):
    written = combine(domains)
    assert files(domains / "AB") == ["train/1.png", "train/old/2.b.png", "val/1.png"]
    assert [path.relative_to(domains / "AB").as_posix() for path in written] == files(
        domains / "AB"
    )
    side_by_side.split(domains / "AB", domains / "apart")
    expected = {"trainA/1": 0, "trainA/old/2.b": 1, "testA/1": 2}
    expected |= {name.replace("A/", "B/"): seed + 50 for name, seed in expected.items()}
    assert files(domains / "apart") == sorted(f"{name}.png" for name in expected)
    for name, seed in expected.items():
        with Image.open(domains / "apart" / f"{name}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), noise(seed))


def test_every_name_of_a_file_has_its_partner(domains):
    (domains / "A" / "train" / "0.png").symlink_to("1.png")
    save(domains / "B" / "train" / "0.png", noise(9))
    combine(domains)
    assert "train/0.png" in files(domains / "AB")


def test_a_is_on_the_left(domains):
    combine(domains)
    with Image.open(domains / "AB" / "train" / "1.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.hstack([noise(0), noise(50)]))


def test_val_is_test_only_where_there_is_no_test(tmp_path):
    for name in ("train/1", "val/1", "test/1"):
        save(tmp_path / "AB" / f"{name}.png", noise(0))
    side_by_side.split(tmp_path / "AB", tmp_path / "apart")
    assert files(tmp_path / "apart") == [
        f"{split}{domain}/1.png" for split in ("test", "train", "val") for domain in "AB"
    ]


def test_pictures_in_no_split_go_to_a_and_b(tmp_path):
    for name in ("1", "sub/2", "train"):  # the last is a picture of that name
        save(tmp_path / "AB" / f"{name}.png", noise(0))
    side_by_side.split(tmp_path / "AB", tmp_path / "apart")
    assert files(tmp_path / "apart") == [
        f"{domain}/{name}.png" for domain in "AB" for name in ("1", "sub/2", "train")
    ]


def test_jpeg_is_near(domains):
    for domain in "AB":
        gradient = np.indices((64, 48)).sum(axis=0)[..., None] + np.array([0, 40, 90])
        for path in sorted((domains / domain).rglob("*.*")):
            if path.is_file():
                save(path, gradient.astype(np.uint8))
    path = combine(domains, format="jpeg")[0]
    assert path.name == "1.jpg"
    with Image.open(path) as image:
        assert image.format == "JPEG"
        near = np.abs(np.asarray(image, int) - np.hstack([gradient, gradient]))
    assert near.max() <= 4


def test_what_is_written_can_be_trained_on(domains):
    from pipelines.data import Data
    from pipelines.options import DataOptions

    combine(domains)
    options = DataOptions(dataset=str(domains / "AB"), preprocess="crop", crop_size=4)
    assert "2 training pairs, 1 test pairs" in Data(options, seed=0, paired=True).describe()


def test_nothing_is_overwritten_unasked(domains):
    first = combine(domains)[0]
    first.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"3 of 3 files exist already: .*AB/train/1.png, .*--ov"):
        combine(domains)
    assert first.read_bytes() == b"mine"
    combine(domains, overwrite=True)
    assert read_size(first) == (20, 6)


def test_what_it_is_made_of_is_never_overwritten(domains):
    before = (domains / "A" / "train" / "1.png").read_bytes()
    with pytest.raises(DataError, match="would replace its own origin"):
        side_by_side.combine(domains / "A", domains / "B", domains / "A", overwrite=True)
    assert (domains / "A" / "train" / "1.png").read_bytes() == before


def test_a_file_appears_whole_or_not_at_all(domains, monkeypatch):
    """The disk is full after the first bytes."""

    whole = pathlib.Path.write_bytes

    def write_some(path, data):
        whole(path, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_some)
    with pytest.raises(WriteError, match="No space left"):
        combine(domains)
    assert files(domains / "AB") == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"A/7.png": (10, 6)}, r"A with 4 .* A/7.png without a partner"),
        ({"A/7.png": (10, 6), "B/7.png": (10, 8)}, r"1 of 4 pairs .*: A/7.png \(10x6 and 10x8\)"),
        ({"A/7.png": (9, 6), "A/7.jpg": (9, 6)}, "A/7.jpg and A/7.png have one name"),
    ],
)
def test_what_cannot_be_combined(domains, files, message):
    for name, size in files.items():
        save(domains / name, noise(0, size))
    with pytest.raises(DataError, match=message):
        combine(domains)
    assert not (domains / "AB").exists()


def test_unreadable_pictures_are_named_before_anything_is_written(domains):
    (domains / "B" / "val" / "1.BMP").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1 of 3 .*cannot be read: B/val/1.BMP \("):
        combine(domains)
    with pytest.raises(DataError, match=r"1 of 3 .*cannot be read: B/val/1.BMP \("):
        side_by_side.split(domains / "B", domains / "AB")
    assert not (domains / "AB").exists()


def test_a_damaged_body_is_named(domains):
    path = domains / "B" / "val" / "1.BMP"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(
        DataError, match=r"B/val/1.BMP is damaged, since its file is truncated.*: replace"
    ):
        combine(domains)


def test_what_cannot_be_split(tmp_path):
    for number in range(7):
        save(tmp_path / "AB" / f"{number}.png", noise(0, (9, 6)))
    with pytest.raises(DataError, match=r"7 of 7 .*odd width.*: AB/0.png \(9x6\), .* and 2 more"):
        side_by_side.split(tmp_path / "AB", tmp_path / "apart")
    save(tmp_path / "CD" / "1.png", noise(0))
    save(tmp_path / "CD" / "1.bmp", noise(0))
    with pytest.raises(DataError, match=r"Several pictures would be written as .*/A/1.png"):
        side_by_side.split(tmp_path / "CD", tmp_path / "apart")
    assert not (tmp_path / "apart").exists()


def test_folders_without_pictures(tmp_path):
    (tmp_path / "A").mkdir()
    with pytest.raises(DataError, match="A holds no pictures"):
        combine(tmp_path)
    with pytest.raises(DataError, match="no is not a folder"):
        side_by_side.split(tmp_path / "no", tmp_path / "AB")
