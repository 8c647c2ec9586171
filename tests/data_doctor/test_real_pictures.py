"""Two published sets: what is found in them was looked at, and is there."""

import json
import zipfile

import pytest

from cyclegan_keras.commands import check_data

pytestmark = pytest.mark.release


def kinds_in(archive, tmp_path) -> dict[str, dict[str, int]]:
    if not archive.is_file():
        pytest.skip(f"{archive.name} is not beside this checkout")
    with zipfile.ZipFile(archive) as content:
        content.extractall(tmp_path)
    report = tmp_path / "data.html"
    assert check_data.run(dataset=str(tmp_path / archive.stem), report=str(report)) == 0
    found = json.loads(report.with_suffix(".json").read_text())
    return {finding["kind"]: finding["counts"] for finding in found["findings"]}


def test_horses_and_zebras(shared_data, tmp_path):
    found = kinds_in(shared_data / "data" / "horse2zebra.zip", tmp_path)
    found.pop("near_leak", None)  # these two need imagehash
    found.pop("near_duplicates", None)
    assert found == {
        "leak": {"testA": 1},
        "duplicates": {"trainA": 16, "trainB": 32},
        "gray_among_color": {"trainA": 8, "trainB": 68, "testB": 7},
    }


def test_facades(shared_data, tmp_path):
    """A map of 8 windows on blue, and one that calls a whole house a single thing."""
    found = kinds_in(shared_data / "data" / "facades.zip", tmp_path)
    assert found == {"blank": {"trainB": 1}, "dark": {"trainB": 1}}
