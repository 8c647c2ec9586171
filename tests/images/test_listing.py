import collections
import os
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cyclegan_keras.images import kinds
from cyclegan_keras.images.listing import Found, find_pictures, passed_over_line

PICTURE = Image.fromarray(np.zeros((4, 4, 3), "uint8"))


def made(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    return folder


def names_of(found):
    return [path.relative_to(found.folder).as_posix() for path in found.pictures]


def test_pictures_are_found_in_order_by_their_endings(tmp_path):
    names = ["b.PNG", "a/z.jpg", "a-b/c.tif", "a/y.npy", "c.jfif", "d.jpe", "e.webp", "f.heic"]
    assert names_of(find_pictures(made(tmp_path, names))) == sorted(names)


def test_a_picture_without_ending_is_found_by_its_content(tmp_path):
    PICTURE.save(tmp_path / "photo", "JPEG")
    PICTURE.save(tmp_path / "photo.bak", "PNG")
    found = find_pictures(tmp_path)
    assert names_of(found) == ["photo", "photo.bak"]
    assert passed_over_line(found) == ""


def test_hidden_files_and_folders_do_not_count(tmp_path):
    made(tmp_path, [".hidden.png", ".folder/a.png", "__MACOSX/a.png", "b.png", ".DS_Store"])
    found = find_pictures(tmp_path)
    assert names_of(found) == ["b.png"]
    assert passed_over_line(found) == ""


def test_what_is_passed_over_is_said_by_kind(tmp_path, monkeypatch):
    folder = made(tmp_path / "photos", ["a.png", "b.txt", "notes", "c.mp4", "d.heic", "e.HEIF"])
    monkeypatch.setattr(kinds.importlib.util, "find_spec", lambda name: None)
    kinds.heic.cache_clear()
    try:
        found = find_pictures(folder)
    finally:
        kinds.heic.cache_clear()
    assert names_of(found) == ["a.png"]
    assert passed_over_line(found) == (
        'Passed over 5 files of photos: 2 HEIC (pip install "cyclegan-keras[heif]"), 2 text, '
        "1 video."
    )


def test_one_file_is_said_in_the_singular(tmp_path):
    found = find_pictures(made(tmp_path / "photos", ["b.txt"]))
    assert passed_over_line(found) == "Passed over 1 file of photos: 1 text."


def test_folders_can_be_left_out(tmp_path):
    made(tmp_path, ["in/a.png", "out/b.png", "out/c.txt"])
    found = find_pictures(tmp_path, enter=lambda folder: folder != tmp_path / "out")
    assert names_of(found) == ["in/a.png"]
    assert not found.passed_over


def test_links_to_folders_are_followed_where_wanted(tmp_path):
    made(tmp_path / "elsewhere", ["a.png"])
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert names_of(find_pictures(tmp_path / "here")) == ["link/a.png"]
    assert names_of(find_pictures(tmp_path / "here", follow_links=False)) == []


def test_folders_that_cannot_be_read_are_told(tmp_path):
    errors = []
    found = find_pictures(tmp_path / "missing", on_error=errors.append)
    assert found.pictures == []
    assert errors[0].filename == str(tmp_path / "missing")


def test_links_to_nothing_and_pipes_are_not_waited_for(tmp_path):
    (tmp_path / "broken").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    assert find_pictures(tmp_path).passed_over == {("unreadable", ""): 2}


@given(st.dictionaries(st.sampled_from(["text", "video", "HEIC", "PSD"]), st.integers(1, 99)))
@settings(max_examples=30, deadline=None)
def test_the_line_counts_all(counts):
    passed_over = collections.Counter({(name, ""): count for name, count in counts.items()})
    found = Found(folder=pathlib.Path("photos"), pictures=[], passed_over=passed_over)
    line = passed_over_line(found)
    if not counts:
        assert line == ""
        return
    listed = line.removesuffix(".").split(": ")[1].split(", ")
    numbers = [int(part.split()[0]) for part in listed]
    assert numbers == sorted(counts.values(), reverse=True)
    assert line.split()[2] == str(sum(numbers))


@pytest.mark.parametrize("ending", ["txt", "json", "mp4", "zip"])
def test_common_companions_are_not_opened(ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"")  # which would be "empty" by its content
    ((name, _),) = find_pictures(tmp_path).passed_over
    assert name in ("text", "video", "archive")
