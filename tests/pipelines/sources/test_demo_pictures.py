import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import DataError
from pipelines.sources import demo, demo_pictures


def test_both_domains_are_written_as_they_are(tmp_path):
    written = demo_pictures.write("demo/ponies", tmp_path / "new" / "folder", count=2)
    assert [path.relative_to(tmp_path / "new" / "folder").as_posix() for path in written] == [
        "testA/brown_ponies_0.png",
        "testA/brown_ponies_16.png",
        "testB/striped_ponies_0.png",
        "testB/striped_ponies_16.png",
    ]
    source = demo.load("ponies")
    expected = [source.test_a[0], source.test_a[16], source.test_b[0], source.test_b[16]]
    for path, pixels in zip(written, expected, strict=True):
        with Image.open(path) as found:
            assert found.format == "PNG"
            np.testing.assert_array_equal(np.asarray(found), pixels)


def test_a_set_gives_no_more_than_it_has(tmp_path):
    assert len(demo_pictures.write("demo/ponies", tmp_path, count=1000)) == 2 * demo.TEST_COUNT


@pytest.mark.parametrize("dataset", ["cycle_gan/horse2zebra", "demo/dragons", "photos"])
def test_only_drawn_sets_are_written(dataset, tmp_path):
    with pytest.raises(DataError, match="demo/ponies"):
        demo_pictures.write(dataset, tmp_path / "pictures", count=1)
    assert not (tmp_path / "pictures").exists()


def test_the_command(tmp_path, capsys):
    assert demo_pictures.main(["demo/ponies", str(tmp_path), "--count=1"]) == 0
    assert capsys.readouterr().out == f"Wrote 2 pictures to {tmp_path}.\n"
    assert demo_pictures.main(["photos", str(tmp_path)]) == 2
    with pytest.raises(SystemExit):
        demo_pictures.main(["demo/ponies", str(tmp_path), "--count=0"])
