import errno
import logging
import os
import pathlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from cyclegan_keras.files.errors import LostPicturesError, PictureError
from cyclegan_keras.images import kinds, listing
from pipelines.sources import folders
from pipelines.sources.files import FilePictures, HalfPictures


def put(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3))


def test_finds_every_ending_in_sub_folders_in_order(tmp_path):
    names = ["a.PNG", "b.Jpg", "c/d.jpeg", "c/e.webp", "f.bmp", "g.gif", "h.tif", "i.TIFF"]
    for name in reversed(names):
        put(tmp_path / "trainA" / name, noise(4, 6))
    for name in (".hidden.png", "._a.png", ".thumbs/x.png", "__MACOSX/x.png"):
        put(tmp_path / "trainA" / name, noise(4, 6))
    (tmp_path / "trainA" / "notes.txt").write_text("not a picture")
    pictures = FilePictures(tmp_path / "trainA")
    assert list(pictures.names) == [f"trainA/{name}" for name in names]
    assert all(pictures.size(index) == (6, 4) for index in range(len(pictures)))
    assert all(pictures[index].shape == (4, 6, 3) for index in range(len(pictures)))


@pytest.mark.parametrize("has_extra", [True, False])
def test_heic_beside_jpeg_is_read_or_named(tmp_path, caplog, monkeypatch, has_extra):
    heif = pytest.importorskip("pillow_heif", reason='pip install "cyclegan-keras[heif]"')
    folder = tmp_path / "trainA"
    put(folder / "a.jpg", noise(16, 16))
    put(folder / "sub" / "b.jfif", noise(16, 16))
    heif.from_pillow(Image.new("RGB", (16, 16), (200, 30, 30))).save(folder / "c.HEIC")
    put(folder / "d.png", noise(16, 16))
    (folder / "d.png").rename(folder / "d")  # a picture without an ending
    (folder / "notes.txt").write_text("no picture")
    if not has_extra:
        advice = 'pip install "cyclegan-keras[heif]"'
        without = kinds.Kind(name="HEIC", phrase="a HEIC picture", advice=advice)
        monkeypatch.setitem(listing.ENDINGS_OF_EXTRAS, ".heic", lambda: without)
    with caplog.at_level(logging.INFO, logger="absl"):
        pictures = FilePictures(folder)
    names = ["a.jpg", "c.HEIC", "d", "sub/b.jfif"] if has_extra else ["a.jpg", "d", "sub/b.jfif"]
    assert pictures.names == tuple(f"trainA/{name}" for name in names)
    heic = "" if has_extra else '1 HEIC (pip install "cyclegan-keras[heif]"), '
    count = "1 file" if has_extra else "2 files"
    assert caplog.messages == [f"Passed over {count} of trainA: {heic}1 text."]
    if has_extra:
        np.testing.assert_allclose(pictures[1][8, 8], (200, 30, 30), atol=12)


def test_the_first_version_goes_by_endings(tmp_path):
    put(tmp_path / "trainA" / "a.jpg", noise(4, 6))
    put(tmp_path / "trainA" / "b.jfif", noise(4, 6))
    assert FilePictures(tmp_path / "trainA", reader_version=1).names == ("trainA/a.jpg",)


def test_linked_folders_are_followed(tmp_path):
    put(tmp_path / "elsewhere" / "a.png", noise(4, 6))
    (tmp_path / "trainA").mkdir()
    (tmp_path / "trainA" / "link").symlink_to(tmp_path / "elsewhere")
    assert FilePictures(tmp_path / "trainA").names == ("trainA/link/a.png",)


def test_the_key_follows_the_file(tmp_path):
    put(tmp_path / "trainA" / "a.png", noise(4, 6))
    pictures = FilePictures(tmp_path / "trainA")
    before = pictures.key(0)
    assert pictures.key(0) == before
    put(tmp_path / "trainA" / "a.png", noise(40, 60))
    assert pictures.key(0) != before


def halves(folder):
    whole = FilePictures(folder)
    return HalfPictures(whole, "left"), HalfPictures(whole, "right")


def test_halves_are_the_picture(tmp_path):
    pixels = noise(5, 8)
    put(tmp_path / "train" / "a.png", pixels)
    left, right = halves(tmp_path / "train")
    np.testing.assert_array_equal(np.concatenate([left[0], right[0]], axis=1), pixels)
    assert left.size(0) == right.size(0) == (4, 5)
    assert left.names == right.names == ("train/a.png",)
    assert left[0].base is None  # the other half is not kept in memory


def test_halves_are_told_apart(tmp_path):
    put(tmp_path / "train" / "a.png", noise(5, 8))
    left, right = halves(tmp_path / "train")
    (whole,) = (FilePictures(tmp_path / "train"),)
    for word in (lambda p: p.key(0), lambda p: p.content(0), lambda p: p.fingerprint()):
        assert len({word(left), word(right), word(whole)}) == 3
    again, _ = halves(tmp_path / "train")
    assert (again.key(0), again.fingerprint()) == (left.key(0), left.fingerprint())


def test_an_odd_width_shows_in_the_sizes(tmp_path):
    put(tmp_path / "train" / "a.png", noise(5, 7))
    left, right = halves(tmp_path / "train")
    assert (left.size(0), right.size(0)) == ((3, 5), (4, 5))
    assert (left[0].shape, right[0].shape) == ((5, 3, 3), (5, 4, 3))


def test_one_column_has_no_halves(tmp_path):
    put(tmp_path / "train" / "a.png", noise(5, 1))
    for half in halves(tmp_path / "train"):
        with pytest.raises(PictureError, match="1 px wide"):
            half.size(0)


def test_halves_are_those_of_the_upright_picture(tmp_path):
    """Written lying and tagged, as a camera does: what a viewer shows is cut, not what lies."""
    upright = noise(6, 8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned clockwise
    (tmp_path / "train").mkdir()
    lying = Image.fromarray(np.rot90(upright).astype(np.uint8))
    lying.save(tmp_path / "train" / "a.png", exif=exif)
    left, right = halves(tmp_path / "train")
    assert left.size(0) == right.size(0) == (4, 6)
    np.testing.assert_array_equal(left[0], upright[:, :4])
    np.testing.assert_array_equal(right[0], upright[:, 4:])


@pytest.mark.parametrize("reader_version", [1, 2])
def test_loops_of_links_end(reader_version, tmp_path):
    put(tmp_path / "trainA" / "sub" / "a.png", noise(4, 6))
    put(tmp_path / "trainA" / "other" / "b.png", noise(4, 6))
    for name, target in (("one", ".."), ("two", ".."), ("three", "../other")):
        (tmp_path / "trainA" / "sub" / name).symlink_to(target)
        (tmp_path / "trainA" / "other" / name).symlink_to("../sub")
    names = FilePictures(tmp_path / "trainA", reader_version).names
    assert {name.rpartition("/")[2] for name in names} == {"a.png", "b.png"}
    if reader_version == 2:
        assert names == ("trainA/other/b.png", "trainA/sub/a.png")


def test_links_count_once_but_where_every_name_has_a_partner(tmp_path):
    for name in ("trainA", "trainB"):
        put(tmp_path / name / "1.png", noise(4, 6))
    (tmp_path / "trainA" / "0.png").symlink_to("1.png")
    put(tmp_path / "trainB" / "0.png", noise(4, 6))
    assert folders.load(str(tmp_path)).train_a.names == ("trainA/1.png",)
    pairs = folders.load(str(tmp_path), paired=True)
    assert pairs.train_a.names == ("trainA/0.png", "trainA/1.png")
    old = folders.load(str(tmp_path), reader_version=1)
    assert old.train_a.names == ("trainA/0.png", "trainA/1.png")


@pytest.mark.parametrize("call", ["stat", "read_bytes"])
@pytest.mark.parametrize(
    ("number", "is_lost"),
    [(errno.EIO, True), (errno.ESTALE, True), (errno.ENOENT, False), (errno.EACCES, False)],
)
def test_a_drive_that_cannot_be_read_is_not_taken_for_other_pictures(
    call, number, is_lost, tmp_path, monkeypatch
):
    put(tmp_path / "trainA" / "a.png", noise(4, 6))
    pictures = FilePictures(tmp_path / "trainA")
    before = pictures.facts()

    def fail(path, **_):
        raise OSError(number, os.strerror(number), str(path))

    sentence = r"trainA/a\.png cannot be read: .* see to its drive"
    with monkeypatch.context() as patch:
        patch.setattr(pathlib.Path, call, fail)
        if is_lost:
            with pytest.raises(LostPicturesError, match=sentence):
                pictures.facts()
        else:  # one file, now and later: it is left out of the training too
            assert pictures.facts() != before


def test_a_folder_that_has_gone_is_not_taken_for_other_pictures(tmp_path):
    put(tmp_path / "trainA" / "a.png", noise(4, 6))
    pictures = FilePictures(tmp_path / "trainA")
    (tmp_path / "trainA").rename(tmp_path / "elsewhere")
    with pytest.raises(LostPicturesError, match=r"trainA/a\.png does not exist: see to its drive"):
        pictures.facts()


def test_the_files_of_a_data_set_are_looked_at_once(tmp_path, monkeypatch):
    for name in ("trainA", "trainB"):
        put(tmp_path / name / "1.png", noise(4, 6))
    source = folders.load(str(tmp_path))
    facts = source.training_facts
    monkeypatch.setattr(FilePictures, "bytes_of", None)
    assert source.training_facts == facts
    assert facts["trainA"]["count"] == 1
