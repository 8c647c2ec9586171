import json

import numpy as np
import pytest

from cyclegan_keras.files.errors import EvaluationError
from cyclegan_keras.metrics.class_list import (
    IGNORED,
    READY,
    UNKNOWN,
    ClassList,
    LabelClass,
    palette_list,
    read_class_list,
    to_classes,
    to_nearest_classes,
    unknown_colors,
)

TEXT = """# red green blue name
128 64 128 road
#0000ff traffic light
0 0 0 void (ignored)

130 64 128 road
"""
CSV = "name, r, g, b, ignored\nroad,128,64,128,\ntraffic light,0,0,255,no\nvoid,0,0,0,yes\n"
JSON = [
    {"name": "road", "color": [128, 64, 128]},
    {"name": "traffic light", "color": "#0000FF"},
    {"name": "void", "color": [0, 0, 0], "ignored": True},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.txt", TEXT), ("a.csv", CSV), ("a.json", json.dumps(JSON)), ("b.json", '{"classes": %s}')],
)
def test_every_format_says_the_same(name, text, tmp_path):
    path = tmp_path / name
    path.write_text(text % json.dumps(JSON) if name == "b.json" else text)
    classes = read_class_list(str(path))
    assert classes.scored == ("road", "traffic light")
    assert classes.all_names == ("road", "traffic light", "void")
    assert [entry.color for entry in classes.entries[:3]] == [(128, 64, 128), (0, 0, 255), (0,) * 3]
    assert not classes.are_numbers


def test_numbers_stand_for_classes(tmp_path):
    (tmp_path / "a.txt").write_text("7 road\n8 side walk\n255 (ignored)\n")
    (tmp_path / "a.csv").write_text("name,id,ignored\nroad,7,0\nside walk,8,0\nignored,255,1\n")
    text, table = (read_class_list(str(tmp_path / name)) for name in ("a.txt", "a.csv"))
    assert text.entries == table.entries
    assert text.are_numbers
    maps = np.array([[[7], [8]], [[255], [9]]], "uint8")
    expected = [[0, 1], [IGNORED, UNKNOWN]]
    assert to_classes(maps, text).tolist() == expected
    assert to_classes(np.repeat(maps, 3, axis=-1), text).tolist() == expected  # gray as RGB
    assert to_nearest_classes(maps, text).tolist() == [[0, 1], [1, 1]]


def test_a_list_is_read_as_it_was_written(tmp_path):
    written = read_class_list("cityscapes")
    (tmp_path / "copy.txt").write_text(written.to_text())
    assert read_class_list(str(tmp_path / "copy.txt")).entries == written.entries
    assert palette_list([(128, 64, 128), (0, 0, 1)]).scored == ("#804080", "#000001")


def test_ready_lists_agree():
    colors, train_ids, label_ids = (read_class_list(name) for name in READY)
    assert len(colors.scored) == 19
    assert colors.scored == train_ids.scored == label_ids.scored
    assert [entry.color for entry in label_ids.entries] == [(number,) for number in range(34)]


def test_the_nearest_color_counts_and_far_ones_are_unknown():
    classes = read_class_list("cityscapes")
    # A road as JPEG leaves it, what is ignored, a caravan (ignored, near to a truck), and green.
    maps = np.array([[[131, 60, 125], [2, 1, 0]], [[1, 0, 88], [0, 255, 0]]], "uint8")
    labels = to_classes(maps, classes)
    assert labels.tolist() == [[0, IGNORED], [IGNORED, UNKNOWN]]
    assert unknown_colors(maps, labels) == {(0, 255, 0): 1}
    assert to_classes(maps, classes, limit=255).min() == IGNORED
    truck = classes.scored.index("truck")
    assert to_nearest_classes(maps, classes)[1, 0] == truck  # of the scored ones


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("none.txt", None, "none.txt cannot be read: No such file or directory."),
        ("a.png", "", "expected cityscapes, cityscapes_train_ids, cityscapes_label_ids, palette,"),
        ("a.txt", b"\xff\xfe", "is no text in UTF-8"),
        ("a.txt", "", "lists 0 classes to score, expected at least two"),
        ("a.txt", "1 2 3 a\n1 2 4 b (ignored)", "lists 1 classes"),
        ("a.txt", "road 1 2 3", "line 1: 'road 1 2 3'; expected three levels"),
        ("a.txt", "1 2 300 a", "line 1: the color '1 2 300'; expected three levels"),
        ("a.txt", "1 2 3 a\n1 2 3 b", "'a' and 'b' are both 1 2 3"),
        ("a.txt", "1 2 3 a\n4 b", "classes of colors and classes of numbers"),
        ("a.txt", "1 2 3 a\n2 2 2 b\n1 1 1 a (ignored)", "'a' is ignored in one line and scored"),
        ("a.csv", "", "begins with nothing; expected a first line with name and color"),
        ("a.csv", "name,red\na,1\n", "begins with name, red; expected"),
        ("a.csv", "name,color\n,#000000\n", "line 2 has no name"),
        ("a.csv", "name,color\na,black\n", "line 2: the color 'black'"),
        ("a.json", "{", "is no JSON"),
        ("a.json", '{"road": 1}', "expected a list of objects"),
        ("a.json", '[{"name": "a"}]', "class 0: the color 'None'"),
    ],
)
def test_what_is_no_class_list_is_a_sentence(name, text, expected, tmp_path):
    path = tmp_path / name
    if isinstance(text, bytes):
        path.write_bytes(text)
    elif text is not None:
        path.write_text(text)
    with pytest.raises(EvaluationError) as raised:
        read_class_list(str(path))
    assert expected in str(raised.value)
    assert str(path) in str(raised.value)


def test_classes_need_two_names():
    with pytest.raises(EvaluationError, match="lists 1 classes"):
        ClassList(source="x", entries=(LabelClass(name="a", color=(1,)),))
