import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyclegan_keras.files import walking
from cyclegan_keras.files.walking import walk, without_repetitions


def made(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def names_of(files, folder):
    return [os.path.relpath(file.path, folder) for file in files]


def walked(folder, **options):
    return sorted(walk(folder, **options), key=lambda file: file.path)


LOOPS = {
    "to itself": {"a/loop": "."},
    "up": {"a/loop": ".."},
    "far up": {"a/loop": "../.."},
    "two loops": {"a/one": "..", "a/two": "..", "b/three": "../a", "b/four": ".."},
    "to each other": {"a/there": "../b", "b/back": "../a"},
    "absolute": {"a/loop": "{folder}"},
    "of links": {"x": "y", "y": "x"},
}


@pytest.mark.parametrize("links", LOOPS.values(), ids=LOOPS)
def test_loops_end_and_every_file_is_met_by_its_own_path(links, tmp_path):
    folder = made(tmp_path / "set" / "folder", "a/1.png", "b/2.png", "3.png")
    for name, target in links.items():
        (folder / name).symlink_to(target.format(folder=folder))
    found = names_of(walked(folder), folder)
    assert [name for name in found if name.endswith(".png")] == ["3.png", "a/1.png", "b/2.png"]


def test_a_folder_counts_once_and_by_its_own_name(tmp_path):
    made(tmp_path, "here/z/1.png", "elsewhere/2.png", "elsewhere/sub/3.png")
    (tmp_path / "here" / "a").symlink_to("z")
    for name in ("c", "b"):
        (tmp_path / "here" / name).symlink_to("../elsewhere")
    (tmp_path / "here" / "d").symlink_to("../elsewhere/sub")
    here = tmp_path / "here"
    assert names_of(walked(here), here) == ["b/2.png", "b/sub/3.png", "z/1.png"]
    assert names_of(walked(here, follow_links=False), here) == ["z/1.png"]


def test_a_file_counts_once_and_by_its_own_name(tmp_path):
    made(tmp_path, "here/m.png", "here/n.png", "elsewhere/2.png")
    for name, target in (
        ("a.png", "m.png"),
        ("z.png", "m.png"),
        ("y.png", "../elsewhere/2.png"),
        ("x.png", "../elsewhere/2.png"),
        ("broken.png", "nothing"),
        ("broken_too.png", "nothing"),
    ):
        (tmp_path / "here" / name).symlink_to(target)
    os.link(tmp_path / "here" / "n.png", tmp_path / "here" / "k.png")
    here = tmp_path / "here"
    assert names_of(without_repetitions(walked(here)), here) == [
        "broken.png",
        "broken_too.png",
        "k.png",
        "m.png",
        "x.png",
    ]


def test_a_file_system_without_inodes_has_no_repetitions(tmp_path, monkeypatch):
    """Or one that gives all files one inode: only names of one file are one."""
    made(tmp_path, "1.png", "2.png", "a/3.png")
    files = walked(tmp_path)
    same = [
        walking.WalkedFile(path=file.path, name=file.name, is_link=False, identity=(1, 7))
        for file in files
    ]
    assert without_repetitions(same) == same
    stat = os.stat

    def without_inodes(path, *arguments, **keywords):
        found = list(stat(path, *arguments, **keywords))
        found[1] = 0
        return os.stat_result(found)

    (tmp_path / "a" / "loop").symlink_to("..")
    monkeypatch.setattr(walking.os, "stat", without_inodes)
    assert len(walked(tmp_path)) == 3


def test_unreadable_folders_are_told(tmp_path):
    errors = []
    assert list(walk(tmp_path / "none", on_error=errors.append)) == []
    assert [error.filename for error in errors] == [str(tmp_path / "none")]
    assert list(walk(tmp_path / "none")) == []


def test_only_links_and_folders_are_asked_for(tmp_path, monkeypatch):
    """A call for each of 64,000 files takes long on a network."""
    made(tmp_path, *(f"a/{index}.png" for index in range(20)))
    asked = []
    stat = os.stat

    def counted(path, *arguments, **keywords):
        asked.append(path)
        return stat(path, *arguments, **keywords)

    monkeypatch.setattr(walking.os, "stat", counted)
    assert len(without_repetitions(walked(tmp_path))) == 20
    assert len(asked) == 2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_any_tangle_of_links_ends_with_every_file_once(tmp_path_factory, seed):
    choose = random.Random(seed)
    folder = tmp_path_factory.mktemp("tangle")
    folders = ["."]
    for index in range(5):
        folders.append(f"{choose.choice(folders)}/{index}")
        made(folder, f"{folders[-1]}/{index}.png")
    for index in range(6):
        target = folder / choose.choice(folders)
        (folder / choose.choice(folders) / f"link{index}").symlink_to(target)
    files = without_repetitions(walked(folder))
    assert sorted(file.name for file in files) == [f"{index}.png" for index in range(5)]
    assert not any("link" in name for name in names_of(files, folder))
