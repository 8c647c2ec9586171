import io
import logging

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import DataError
from pipelines.readable import Domains, find_readable, whole_pairs
from pipelines.sources.tfds import EncodedPictures


def jpeg(level, size=(16, 8)):
    stream = io.BytesIO()
    Image.new("RGB", size, (level,) * 3).save(stream, "JPEG")
    return stream.getvalue()


def pictures(*files):
    return EncodedPictures([f"trainA/{number}.jpg" for number in range(len(files))], files)


GOOD = [jpeg(40 * number) for number in range(4)]
HEADLESS = b"nothing"
NOISE = io.BytesIO()
Image.effect_noise((64, 64), 50).save(NOISE, "JPEG")
TRUNCATED = NOISE.getvalue()[:1500]


def test_all_good():
    found = find_readable(pictures(*GOOD), "trainA", refuse=True)
    assert len(found) == 4
    assert found.sizes == ((16, 8),) * 4
    assert found.skipped == []


def test_unreadable_headers_are_skipped_and_named_once(caplog):
    with caplog.at_level(logging.WARNING):
        found = find_readable(pictures(GOOD[0], HEADLESS, GOOD[2]), "trainA", refuse=False)
    assert found.names == ("trainA/0.jpg", "trainA/2.jpg")
    assert found.skipped == ["trainA/1.jpg"]
    assert found[1][0, 0, 0] == 80
    (record,) = caplog.records
    assert "1 of 3 pictures of trainA cannot be read: trainA/1.jpg" in record.getMessage()


def test_refused():
    with pytest.raises(DataError, match=r"1 of 3 .*trainA/1.jpg.*--on_bad_image=skip"):
        find_readable(pictures(GOOD[0], HEADLESS, GOOD[2]), "trainA", refuse=True)


def test_only_decoding_finds_a_damaged_body():
    files = pictures(GOOD[0], TRUNCATED)
    assert len(find_readable(files, "trainA", refuse=False)) == 2
    assert len(find_readable(files, "trainA", refuse=False, decode=True)) == 1


def test_all_unreadable():
    with pytest.raises(DataError, match="2 of 2 pictures of trainA cannot be read"):
        find_readable(pictures(HEADLESS, HEADLESS), "trainA", refuse=False)


def test_a_long_list_is_cut():
    nine = 9 * [HEADLESS]
    with pytest.raises(DataError, match="and 4 more"):
        find_readable(pictures(*nine), "trainA", refuse=False)


def test_most():
    assert (
        find_readable(pictures(*GOOD), "trainA", refuse=False, most=2).names[-1] == "trainA/1.jpg"
    )
    assert len(find_readable(pictures(*GOOD), "trainA", refuse=False, most=9)) == 4


def test_a_damaged_body_gives_way_to_the_next_picture_with_one_warning(caplog):
    found = find_readable(pictures(GOOD[0], GOOD[1], TRUNCATED), "trainA", refuse=False)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            np.testing.assert_array_equal(found.substitute(2, found.__getitem__), found[0])
    assert found.skipped == ["trainA/2.jpg"]
    assert len(caplog.records) == 1


def test_no_readable_body_at_all():
    found = find_readable(pictures(TRUNCATED, TRUNCATED), "trainA", refuse=False)
    with pytest.raises(DataError, match=r"None of the 2 pictures .* replace them"):
        found.substitute(0, found.__getitem__)


def test_only_whole_pairs_are_kept():
    first = find_readable(pictures(*GOOD[:3], HEADLESS), "testA", refuse=False)
    second = find_readable(pictures(HEADLESS, *GOOD[1:]), "testB", refuse=False)
    first, second = whole_pairs(Domains(first, second))
    assert first.indices == second.indices == (1, 2)
    assert first.names == ("trainA/1.jpg", "trainA/2.jpg")
