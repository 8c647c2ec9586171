"""A folder with twelve planted defects: all of them are named, and nothing else is."""

import io
import json
import shutil

import numpy as np
import pytest
from drawn_folders import SIDE, pony, write_sound
from optional import optional
from PIL import Image, ImageFilter

from cyclegan_keras.commands import check_data
from pipelines.options import DataOptions
from pipelines.sources import datasets

PLANTED = {
    "unreadable": ["trainA/broken.jpg"],
    "truncated": ["trainA/cut_off.jpg"],
    "duplicates": ["trainA/003.png", "trainA/twice.bmp"],
    "near_duplicates": ["trainB/005.png", "trainB/nearly.jpg"],
    "duplicates_across_domains": ["trainA/also_in_b.png", "trainB/007.png"],
    "leak": ["testA/leaked.png", "trainA/009.png"],
    "tiny": ["trainB/small.png"],
    "odd_aspect": ["trainB/long.png"],
    "gray_among_color": ["trainA/gray.png"],
    "dark": ["trainA/dark.png"],
    "blank": ["trainB/blank.png"],
    "blurred": ["trainB/blurred.png"],
}


def plant(root):
    """Adds one picture for each defect of `PLANTED`."""
    a, b = root / "trainA", root / "trainB"
    (a / "broken.jpg").write_bytes(b"no picture at all")
    jpeg = io.BytesIO()
    pony(1).save(jpeg, "JPEG")
    (a / "cut_off.jpg").write_bytes(jpeg.getvalue()[: len(jpeg.getvalue()) // 2 + 300])
    Image.open(a / "003.png").save(a / "twice.bmp")  # other bytes, equal pixels
    Image.open(b / "005.png").resize((2 * SIDE, 2 * SIDE)).save(b / "nearly.jpg", quality=80)
    shutil.copy(b / "007.png", a / "also_in_b.png")
    shutil.copy(a / "009.png", root / "testA" / "leaked.png")
    pony(2, striped=True).resize((24, 24)).save(b / "small.png")
    pony(3, striped=True).resize((SIDE, 4 * SIDE)).save(b / "long.png")
    pony(4).convert("L").save(a / "gray.png")
    Image.fromarray((np.asarray(pony(5)) * 0.2).astype("uint8")).save(a / "dark.png")
    Image.new("RGB", (SIDE, SIDE), (90, 120, 60)).save(b / "blank.png")
    pony(6, striped=True).filter(ImageFilter.GaussianBlur(8)).save(b / "blurred.png")


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    root = write_sound(tmp_path_factory.mktemp("planted"))
    plant(root)
    return root


@pytest.mark.slow
def test_all_planted_defects_and_nothing_else(planted, tmp_path, capsys):
    optional("imagehash")
    report = tmp_path / "data.html"
    before = sorted((path, path.stat().st_mtime_ns) for path in planted.rglob("*"))
    options = {"dataset": str(planted), "crop_size": SIDE}
    assert check_data.run(report=str(report), strict=True, **options) == 1
    found = json.loads(report.with_suffix(".json").read_text())
    printed = capsys.readouterr().out
    named = {}
    for finding in found["findings"]:
        names = [name for group in finding["pictures"] for name in group["names"]]
        named[finding["kind"]] = sorted(names)
        assert finding["sentence"] in printed
        assert finding["advice"] in printed
    assert named == PLANTED
    assert found["left_out"] == []

    # Nothing is moved or deleted; lists name what can be.
    assert before == sorted((path, path.stat().st_mtime_ns) for path in planted.rglob("*"))
    listed = (tmp_path / "data.leak.txt").read_text().splitlines()
    assert listed == [str(planted / "trainA" / "009.png")]  # the test set stays what it is
    assert not (tmp_path / "data.duplicates_across_domains.txt").exists()  # either may be wrong
    page = report.read_text()
    assert all(f'id="{kind}"' in page for kind in PLANTED)


@pytest.mark.slow
def test_quick_look_finds_them_too_where_the_time_suffices(planted):
    options = {"dataset": str(planted), "crop_size": SIDE}
    source = datasets.find(str(planted))
    found = check_data.check_before_training(source, DataOptions(**options), "quick")
    kinds = {finding["kind"] for finding in found["findings"]}
    assert kinds >= PLANTED.keys() - {"near_duplicates"}
    assert kinds <= PLANTED.keys()
    assert found["seconds"] < check_data.QUICK_SECONDS + 1


@pytest.mark.slow
def test_nothing_in_drawn_ponies(capsys):
    assert check_data.run(dataset="demo/ponies", strict=True) == 0
    assert capsys.readouterr().out.endswith("Nothing found.\n")


@pytest.mark.release
@pytest.mark.parametrize("dataset", ["demo/pony_pairs", "demo/houses", "demo/scans"])
def test_nothing_in_other_drawn_sets(dataset, capsys):
    assert check_data.run(dataset=dataset, strict=True) == 0
    assert capsys.readouterr().out.endswith("Nothing found.\n")
