import io
import pathlib
import zipfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from cyclegan_keras.files.errors import DataError
from pipelines.sources import datasets
from pipelines.sources.tfds import NAMES, _prepare

REAL = pathlib.Path(__file__).parents[4] / "shared" / "data" / "horse2zebra.zip"
FOLDERS = ("trainA", "trainB", "testA", "testB")


def png(level):
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (level,) * 3).save(stream, "PNG")
    return stream.getvalue()


def archive(path, folders=FOLDERS, extra=()):
    with zipfile.ZipFile(path, "w") as content:
        for number, folder in enumerate(folders):
            for picture in range(number + 1):
                content.writestr(f"{path.stem}/{folder}/{picture}.png", png(16 * number + picture))
        for name in extra:
            content.writestr(name, "")


def test_names_are_those_of_tfds():
    builder = tfds.builder_cls("cycle_gan")
    assert set(NAMES) == set(builder.builder_configs)


@pytest.mark.slow
@pytest.mark.parametrize("folder", [".", "downloads/manual"])
def test_an_archive_placed_by_hand_is_prepared_once_and_damage_is_noticed(tmp_path, caplog, folder):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    placed = tmp_path / folder / "maps.zip"
    archive(placed)
    known = dict(tfds.builder_cls("cycle_gan").url_infos)
    source = datasets.find("cycle_gan/maps", str(tmp_path))
    domains = (source.train_a, source.train_b, source.test_a, source.test_b)
    for number, pictures in enumerate(domains):
        levels = sorted(int(pictures[index].max()) for index in range(len(pictures)))
        assert levels == [16 * number + picture for picture in range(number + 1)]
    assert "not byte-equal" in caplog.text
    assert tfds.builder_cls("cycle_gan").url_infos == known
    placed.unlink()  # from now on TFDS' own copy serves
    again = datasets.find("cycle_gan/maps", str(tmp_path))
    assert [again.test_b.key(i) for i in range(4)] == [source.test_b.key(i) for i in range(4)]
    np.testing.assert_array_equal(again.test_b[0], source.test_b[0])

    (record,) = tmp_path.glob("cycle_gan/maps/*/*testB*tfrecord*")
    record.write_bytes(record.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"is damaged .* delete that folder"):
        datasets.find("cycle_gan/maps", str(tmp_path))


@pytest.mark.slow
def test_without_tensorflow_a_set_is_read_where_it_has_random_access(tmp_path, monkeypatch):
    archive(tmp_path / "maps.zip")
    by_tensorflow = datasets.find("cycle_gan/maps", str(tmp_path))
    other = tmp_path / "other"
    other.mkdir()
    archive(other / "maps.zip")
    builder = tfds.builder("cycle_gan/maps", data_dir=str(other), file_format="array_record")
    _prepare(builder, "maps")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"tfds build cycle_gan/maps --file_format=array_record"):
        datasets.find("cycle_gan/maps", str(tmp_path))
    source = datasets.find("cycle_gan/maps", str(other))
    for split in ("train_a", "train_b", "test_a", "test_b"):
        expected = getattr(by_tensorflow, split)
        pictures = getattr(source, split)
        assert pictures.names == expected.names
        keys = [pictures.key(index) for index in range(len(pictures))]
        assert keys == [expected.key(index) for index in range(len(expected))]  # the same order


@pytest.mark.parametrize(
    ("folders", "extra", "message"),
    [
        (("trainA", "trainB"), (), "should hold nothing but the folder maps/"),
        (FOLDERS, ("__MACOSX/x",), "should hold nothing but the folder maps/"),
    ],
)
def test_an_archive_of_another_layout(tmp_path, folders, extra, message):
    archive(tmp_path / "maps.zip", folders, extra)
    with pytest.raises(DataError, match=message):
        datasets.find("cycle_gan/maps", str(tmp_path))


def test_a_torn_archive(tmp_path):
    archive(tmp_path / "maps.zip")
    whole = (tmp_path / "maps.zip").read_bytes()
    (tmp_path / "maps.zip").write_bytes(whole[:200])
    with pytest.raises(DataError, match=r"maps.zip cannot be read .* download it again"):
        datasets.find("cycle_gan/maps", str(tmp_path))


def test_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing listens there
    with pytest.raises(DataError, match="could not be prepared") as error:
        datasets.find("cycle_gan/maps", str(tmp_path))
    assert "datasets/maps.zip by other means, put maps.zip into " + str(tmp_path) in str(
        error.value
    )


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="needs horse2zebra.zip in ../shared/data")
def test_the_real_set(tmp_path):
    (tmp_path / "horse2zebra.zip").symlink_to(REAL)
    source = datasets.find("cycle_gan/horse2zebra", str(tmp_path))
    domains = (source.train_a, source.train_b, source.test_a, source.test_b)
    assert [len(pictures) for pictures in domains] == [1067, 1334, 120, 140]
    for pictures in domains:
        assert pictures.size(0) == (256, 256)
        assert pictures[len(pictures) - 1].shape == (256, 256, 3)
