import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import DataError
from pipelines.sources import datasets


def put(path, level=0, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level,) * 3).save(path)


def test_a_whole_set(tmp_path):
    for number, name in enumerate(("trainA", "trainB", "testA", "testB")):
        put(tmp_path / name / "a.png", level=number)
    source = datasets.find(str(tmp_path))
    domains = (source.train_a, source.train_b, source.test_a, source.test_b)
    assert [int(pictures[0].max()) for pictures in domains] == [0, 1, 2, 3]
    assert not source.paired_test


def test_test_pictures_are_optional(tmp_path):
    put(tmp_path / "trainA" / "a.png")
    put(tmp_path / "trainB" / "b.png")
    source = datasets.find(str(tmp_path))
    assert source.test_a is None
    assert source.test_b is None
    np.testing.assert_array_equal(source.train_b[0], np.zeros((4, 6, 3)))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "needs the sub-folders trainA and trainB, or train .*, but holds nothing"),
        (["trainA/a.png"], "but holds trainA/"),
        (["horse/a.png", "zebra/a.png"], "but holds horse/, zebra/"),
        (["A/a.png", "B/a.png"], "pipelines.pairs combine .*/A .*/B --output=<new folder>/train"),
        (["A/train/a.png", "B/train/a.png"], r"combine .*/A .*/B --output=<new folder>\. If not"),
        (["train/A/a.png", "train/B/a.png"], "Call train/A and train/B trainA and trainB"),
        (["set/train/a.png"], "Did you mean --dataset=.*/set"),
        (["set/trainA/a.png", "set/trainB/a.png"], "Did you mean --dataset=.*/set"),
        (["trainA/a.png", "trainB/sub/.a.png"], "trainB holds no pictures .* found sub/"),
    ],
)
def test_what_is_wrong_with_a_folder(tmp_path, files, message):
    for name in files:
        put(tmp_path / name)
    with pytest.raises(DataError, match=message):
        datasets.find(str(tmp_path))
