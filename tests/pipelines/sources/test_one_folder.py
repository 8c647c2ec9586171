import pytest
from PIL import Image

from cyclegan_keras.files.errors import DataError
from pipelines.data import Data
from pipelines.options import DataOptions
from pipelines.sources import one_folder


def fill(folder, count):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number:02}.png")
    return str(folder)


@pytest.mark.parametrize(
    ("count", "held_out"), [(2, ["01"]), (9, ["08"]), (10, ["09"]), (25, ["09", "19"])]
)
def test_every_tenth_is_held_out(tmp_path, count, held_out):
    source = one_folder.load(fill(tmp_path / "photos", count))
    names = [f"photos/{number:02}.png" for number in range(count)]
    expected = [f"photos/{number}.png" for number in held_out]
    assert list(source.test_a.names) == list(source.test_b.names) == expected
    assert list(source.train_a.names) == [name for name in names if name not in expected]
    assert source.train_b.names == source.train_a.names
    assert not source.paired_train


def test_data_can_be_made_of_it(tmp_path):
    folder = fill(tmp_path / "photos", 3)
    options = DataOptions(crop_size=8, load_size=8)
    data = Data(options, seed=0, source=one_folder.load(folder))
    assert data.name == folder
    assert data.shapes == {"x": (8, 8, 3), "y": (8, 8, 3)}
    assert data.unaugmented("test", "x").pictures.names == ("photos/02.png",)


@pytest.mark.parametrize(
    ("count", "message"), [(0, "holds no pictures that can be read"), (1, "holds one picture")]
)
def test_too_few_pictures(tmp_path, count, message):
    with pytest.raises(DataError, match=message):
        one_folder.load(fill(tmp_path, count))
    with pytest.raises(DataError, match="is no folder"):
        one_folder.load(str(tmp_path / "nowhere"))
