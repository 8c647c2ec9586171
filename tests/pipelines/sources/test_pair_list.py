import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import DataError
from pipelines.sources import pair_list


@pytest.fixture
def folder(tmp_path):
    """Pictures a.png, b c.png and ö.png, each of its own grey."""
    for level, name in enumerate(("a", "b c", "ö")):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("L", (6, 4), 10 * level).save(tmp_path / "photos" / f"{name}.png")
    return tmp_path


def write(folder, text, encoding="utf-8"):
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return str(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_are_pairs(folder, encoding, end, monkeypatch):
    lines = ["A, B", 'photos/a.png,"photos/b c.png"', "", " photos/ö.png , photos/a.png"]
    file = write(folder, end.join(lines), encoding)
    monkeypatch.chdir(folder.parent)  # paths do not depend on it
    a, b = pair_list.load(file)
    assert [int(np.max(p)) for p in a] == [0, 20]
    assert [int(np.max(p)) for p in b] == [10, 0]
    assert a.names == ("pairs.csv row 2: photos/a.png", "pairs.csv row 4: photos/ö.png")


def test_paths_may_lead_anywhere(folder):
    (folder / "lists").mkdir()
    file = write(folder / "lists", f"A,B\n../photos/a.png,{folder}/photos/ö.png\n")
    a, b = pair_list.load(file)
    assert (len(a), len(b)) == (1, 1)
    assert b[0].max() == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins with 'nothing': expected the header A,B"),
        ("photos/a.png,photos/ö.png\n", "begins with 'photos/a.png,.*': expected the header A,B"),
        ("A;B\nphotos/a.png;photos/a.png\n", "begins with 'A;B': expected the header A,B"),
        ("B,A\nphotos/a.png,photos/a.png\n", "expected the header A,B"),
        ("A,B\n\n", "holds no pair below its header"),
        ("A,B\nphotos/a.png\n", "row 2 is 'photos/a.png': expected two picture files"),
        ("A,B\nphotos/a.png,photos/a.png\nphotos/a.png,\n", "row 3 is 'photos/a.png,'"),
        ("A,B\nphotos/a.png,b.png,c.png\n", "row 2 is .*: expected two"),
        ("A,B\nphotos/a.png,b.png\nd.png,e.png\n", "row 2: b.png, row 3: d.png, row 3: e.png"),
        ("A,B\n" + "no.png,no.png\n" * 4, "row 4: no.png and 3 more. Paths are relative to"),
        ("A,B\nphotos,photos/a.png\n", "row 2: photos"),
        ('A,B\n"photos/a.png,photos/a.png\n', "cannot be read .*CSV file in UTF-8"),
    ],
)
def test_errors_are_sentences(folder, text, message):
    with pytest.raises(DataError, match=message):
        pair_list.load(write(folder, text))


def test_files_that_are_no_text(folder):
    for file in (folder / "missing.csv", folder / "photos", folder / "photos" / "a.png"):
        with pytest.raises(DataError, match=r"cannot be read .*CSV file in UTF-8"):
            pair_list.load(str(file))
    with pytest.raises(DataError, match="UTF-8"):
        pair_list.load(write(folder, "A,B\nö.png,a.png\n", "latin-1"))
