import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.translation.listing import find_files, list_tasks

ENDINGS = (".png", ".jpg", ".jpeg", ".tif")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def touch(*names):
    for name in names:
        path = pathlib.Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def listed(source, output="out", **more):
    listing = list_tasks(source, output, endings=more.pop("endings", ENDINGS), **more)
    return {str(task.source): str(task.target) for task in listing.tasks}


def test_a_folder_is_mirrored():
    touch("in/b.jpg", "in/a.PNG", "in/sub/deep/a.png", "in/notes.txt")
    assert listed("in") == {
        "in/a.PNG": "out/a.PNG",
        "in/b.jpg": "out/b.jpg",
        "in/sub/deep/a.png": "out/sub/deep/a.png",
    }
    assert listed("in/") == listed("in")


def test_hidden_files_are_passed_over():
    touch("in/a.png", "in/.b.png", "in/.cache/c.png", "in/__MACOSX/d.png", "in/._a.png")
    assert listed("in") == {"in/a.png": "out/a.png"}
    assert listed("in/**/*.png") == {"in/a.png": "out/a.png"}


@pytest.mark.parametrize("source", ["in", "in/**/*.png", "in/**"])
def test_loops_of_links_end_and_every_name_is_translated(source):
    touch("in/a/1.png", "in/b/2.png")
    for name, target in (("a/one", ".."), ("a/two", "../b"), ("b/one", ".."), ("b/two", "../a")):
        pathlib.Path("in", name).symlink_to(target)
    pathlib.Path("in/b/3.png").symlink_to("2.png")
    assert list(listed(source)) == ["in/a/1.png", "in/b/2.png", "in/b/3.png"]


def test_a_hidden_parent_does_not_count():
    touch(".hidden/in/a.png")
    assert list(listed(".hidden/in").values()) == ["out/a.png"]
    assert list(listed(".hidden/in/*.png").values()) == ["out/a.png"]


def test_endings_that_cannot_be_written_and_clashes():
    touch("in/a.gif", "in/a.png", "in/a.jpg", "in/A.png", "in/b.gif", "in/b.gif.png")
    assert listed("in") == {
        "in/A.png": "out/A.png",
        "in/a.gif": "out/a.gif.png",
        "in/a.jpg": "out/a.jpg",
        "in/a.png": "out/a_2.png",
        "in/b.gif": "out/b.gif.png",
        "in/b.gif.png": "out/b.gif_2.png",
    }


def test_one_format_for_all():
    touch("in/a.png", "in/a.jpg", "in/b.JPEG", "in/c.tif")
    assert listed("in", endings=(".jpg", ".jpeg")) == {
        "in/a.jpg": "out/a.jpg",
        "in/a.png": "out/a.png.jpg",
        "in/b.JPEG": "out/b.JPEG",
        "in/c.tif": "out/c.tif.jpg",
    }


def test_names_of_parts_do_not_clash_either():
    touch("in/a.png", "in/a_cycle.png")
    listing = list_tasks("in", "out", endings=ENDINGS, parts=("", "_cycle"))
    names = [str(task.part(part)) for task in listing.tasks for part in ("", "_cycle")]
    assert len(set(names)) == 4
    assert names[:2] == ["out/a.png", "out/a_cycle.png"]


def test_pictures_are_found_by_what_they_hold():
    touch("in/a.png", "in/damaged.jpg")
    pathlib.Path("in/sub").mkdir()
    Image.new("RGB", (4, 3)).save("in/sub/scan", "PNG")
    Image.new("RGB", (4, 3)).save("in/photo.dat", "JPEG")
    np.save("in/array.npy", np.zeros((4, 3), "float32"))
    np.savez("in/array.npz", np.zeros((4, 3), "float32"))
    pathlib.Path("in/notes.txt").write_text("no picture")
    pathlib.Path("in/unknown").write_bytes(bytes(range(1, 200)))
    expected = {
        "in/a.png": "out/a.png",
        "in/array.npy": "out/array.npy",
        "in/array.npz": "out/array.npz.npy",
        "in/damaged.jpg": "out/damaged.jpg",
        "in/photo.dat": "out/photo.dat.png",
        "in/sub/scan": "out/sub/scan.png",
    }
    assert listed("in", endings=(*ENDINGS, ".npy")) == expected
    assert listed("in/**/*", endings=(*ENDINGS, ".npy")) == expected
    for source in ("in", "in/**/*"):
        line = find_files(source, "out").passed_over
        assert line == "Passed over 2 files of in: 1 text, 1 unknown."


def test_what_is_passed_over_is_said_by_kind():
    touch("in/a.png", "in/b.mp4", "in/.hidden.txt")
    pathlib.Path("in/scan.dcm").write_bytes(bytes(128) + b"DICM" + bytes(99))
    pathlib.Path("in/a.txt").write_text("no picture")
    line = find_files("in", "out").passed_over
    assert line.startswith("Passed over 3 files of in: 1 DICOM (python -m pipelines.slices ")
    assert line.endswith(", 1 text, 1 video. Videos are translated one by one, by translate.py.")
    assert find_files("in/a.*g", "out").passed_over == ""
    assert find_files("in/a.png", "out").passed_over == ""


def test_new_finds_change_no_earlier_name():
    """`b` and `c.npy` come first by name, but earlier versions knew `b.png` and `c.npy.png`."""
    touch("in/b.png", "in/c.npy.png")
    Image.new("RGB", (4, 3)).save("in/B", "PNG")
    np.save("in/c.npy", np.zeros((4, 3), "uint8"))
    assert listed("in") == {
        "in/B": "out/B_2.png",
        "in/b.png": "out/b.png",
        "in/c.npy": "out/c.npy_2.png",
        "in/c.npy.png": "out/c.npy.png",
    }


def test_patterns():
    touch("in/a.png", "in/b.jpg", "in/x/c.png", "in/x/y/d.png", "in/x/e.txt")
    assert listed("in/*.png") == {"in/a.png": "out/a.png"}
    assert listed("in/x/**/*") == {"in/x/c.png": "out/c.png", "in/x/y/d.png": "out/y/d.png"}
    assert len(listed("in/**/*.png")) == 3
    assert listed("i?/b.*") == {"in/b.jpg": "out/in/b.jpg"}
    touch("odd[1].png")
    assert listed("odd[1].png", "b.png") == {"odd[1].png": "b.png"}


def test_output_in_the_input_is_not_read():
    touch("in/a.png", "in/out/a.png", "in/out/sub/b.png")
    assert listed("in", "in/out") == {"in/a.png": "in/out/a.png"}
    assert listed("in/**/*.png", "in/out") == {"in/a.png": "in/out/a.png"}
    os.symlink("in", "link")
    assert listed("link", "in/out") == {"link/a.png": "in/out/a.png"}


def test_output_above_the_input():
    touch("all/in/a.png")
    assert listed("all/in", "all") == {"all/in/a.png": "all/a.png"}
    assert listed("all/in/*.png", "all") == {"all/in/a.png": "all/a.png"}


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ("b.jpg", "b.jpg"),
        ("there", "there/a.gif.png"),
        ("new/", "new/a.gif.png"),
        ("new", "new/a.gif.png"),
        ("new/b.png", "new/b.png"),
    ],
)
def test_one_picture(output, target):
    touch("a.gif")
    pathlib.Path("there").mkdir()
    listing = list_tasks("a.gif", output, endings=ENDINGS)
    assert [str(task.target) for task in listing.tasks] == [target]
    assert listing.folder is None
    assert not listing.is_video


def test_one_video():
    touch("a.MOV")
    listing = list_tasks("a.MOV", "out/", endings=ENDINGS)
    assert (str(listing.tasks[0].target), listing.is_video) == ("out/a.MOV", True)


def test_videos_in_a_folder_are_counted():
    touch("in/a.png", "in/b.mp4")
    assert list_tasks("in", "out", endings=ENDINGS).videos == 1


def test_case_of_a_name_without_ending():
    touch("picture")
    assert listed("picture", "out/") == {"picture": "out/picture.png"}


BAD = {
    "missing": ("nowhere", "out", "--input=nowhere does not exist"),
    "empty": ("empty", "out", "none of 0 files is a picture"),
    "no picture": ("texts", "out", "none of 1 files is a picture"),
    "videos": ("films", "out", "Videos are translated one by one"),
    "no hit": ("in/*.webp", "out", "none of 0 files"),
    "file for folder": ("in", "file", "--output=file must be a folder"),
    "name for folder": ("in", "new.png", "--output=new.png must be a folder, for 2 pictures"),
    "folder for file": ("in/a.png", "holds", "holds/a.png is a folder"),
    "same file": ("in/a.png", "in/../in/a.png", "both the input and the output"),
    "same file by folder": ("in/a.png", "in", "both the input and the output"),
    "same folder": ("in", "in/", "both the input and the output"),
    "same folder by pattern": ("in/*.png", "in", "both the input and the output"),
    "outputs among inputs": ("in/**/*.png", "in/b/..", "both the input and the output"),
    "picture to video": ("in/a.png", "b.mp4", "is a picture, so"),
    "video to picture": ("films/a.mp4", "b.png", "is a video, so"),
    "unknown ending": ("in/a.png", "b.xyz", "expected the ending .png, .jpg, .jpeg or .tif"),
}


@pytest.mark.parametrize(("source", "output", "sentence"), BAD.values(), ids=list(BAD))
def test_bad_paths_are_sentences(source, output, sentence):
    touch("in/a.png", "in/b/a.png", "texts/a.txt", "films/a.mp4", "file")
    for folder in ("empty", "holds/a.png"):
        pathlib.Path(folder).mkdir(parents=True)
    with pytest.raises(TranslationError) as caught:
        listed(source, output)
    assert sentence in str(caught.value)
