import shutil
import types

import numpy as np
import pytest

from cyclegan_keras.compression import answer_cache
from cyclegan_keras.compression.answer_cache import AnswerCache, open_caches, slot_bytes
from cyclegan_keras.files.errors import OptionError, WriteError

SHAPE = (4, 6, 3)
CROPS = np.random.default_rng(1).uniform(-1, 1, (6, 2, 3)).astype("float32")
ANSWERS = np.random.default_rng(0).uniform(-1, 1, (5, *SHAPE)).astype("float16")


def make(folder, slots=5, teacher="a", shape=SHAPE):
    return AnswerCache(folder / "x_to_y", shape=shape, slots=slots, fingerprint={"sha256": teacher})


def filled(folder):
    cache = make(folder)
    for number in (3, 0, 4):
        cache.put(number, CROPS[number], ANSWERS[number])
    return cache


def kept(cache):
    return [number for number in range(6) if cache.get(number, CROPS[number]) is not None]


def test_what_is_put_is_got_also_by_the_next_process(tmp_path):
    for cache in (filled(tmp_path), make(tmp_path)):
        assert kept(cache) == [0, 3, 4]
        for number in (0, 3, 4):
            np.testing.assert_array_equal(cache.get(number, CROPS[number]), ANSWERS[number])
            assert cache.get(number, CROPS[number]).dtype == np.float16


def test_answers_beyond_the_slots_are_not_kept(tmp_path):
    filled(tmp_path)
    smaller = make(tmp_path, slots=4)
    smaller.put(4, CROPS[4], ANSWERS[4])
    assert kept(smaller) == [0, 3]
    assert (tmp_path / "x_to_y.answers").stat().st_size == 4 * slot_bytes(SHAPE)


@pytest.mark.parametrize("length", [0, 1, 72, 143, 144, 155])  # of the 156 bytes of slot 3
def test_a_torn_write_is_not_kept(tmp_path, length):
    filled(tmp_path)
    path = tmp_path / "x_to_y.answers"
    content = bytearray(path.read_bytes())
    start = 3 * slot_bytes(SHAPE)
    content[start + length : start + slot_bytes(SHAPE)] = bytes(slot_bytes(SHAPE) - length)
    path.write_bytes(content)
    cache = make(tmp_path)
    assert kept(cache) == [0, 4]
    cache.put(3, CROPS[3], ANSWERS[3])
    np.testing.assert_array_equal(cache.get(3, CROPS[3]), ANSWERS[3])
    path.write_bytes(bytes(content[: start + length]))  # nothing was written behind
    assert kept(make(tmp_path)) == [0]


def test_a_flipped_bit_is_noticed(tmp_path):
    filled(tmp_path)
    path = tmp_path / "x_to_y.answers"
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    assert kept(make(tmp_path)) == [3, 4]


def test_an_answer_to_another_crop_is_not_kept(tmp_path):
    cache = filled(tmp_path)
    changed = CROPS[3].copy()
    changed[1, 2] += 1e-6
    assert cache.get(3, changed) is None
    cache.put(3, changed, ANSWERS[1])
    np.testing.assert_array_equal(cache.get(3, changed), ANSWERS[1])
    assert kept(cache) == [0, 4]


def test_answers_of_another_format_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(answer_cache, "VERSION", answer_cache.VERSION - 1)
    filled(tmp_path)
    monkeypatch.undo()
    assert kept(make(tmp_path)) == []


@pytest.mark.parametrize("other", [{"teacher": "b"}, {"shape": (6, 4, 3)}])
def test_answers_of_something_else_are_removed(tmp_path, other, caplog):
    filled(tmp_path)
    caplog.set_level("INFO", logger="absl")
    assert kept(make(tmp_path, **other)) == []
    assert "begins anew" in caplog.text
    assert kept(make(tmp_path)) == []  # those of the first teacher are gone


def test_a_description_that_a_killed_process_did_not_write(tmp_path):
    filled(tmp_path)
    (tmp_path / "x_to_y.json").unlink()
    assert kept(make(tmp_path)) == []


def test_a_full_disk_is_a_write_error(tmp_path, limited_file_size):
    cache = make(tmp_path)
    cache.put(0, CROPS[0], ANSWERS[0])
    with (
        limited_file_size(2 * slot_bytes(SHAPE) - 20),
        pytest.raises(WriteError, match=r"x_to_y\.answers"),
    ):
        cache.put(1, CROPS[1], ANSWERS[1])
    assert kept(make(tmp_path)) == [0]


def test_room_is_shared_and_looked_for_before(tmp_path, monkeypatch):
    options = {
        "shapes": {"x_to_y": SHAPE, "y_to_x": SHAPE},
        "count": 10,
        "fingerprints": {"x_to_y": {}, "y_to_x": {}},
    }
    room = 8 * slot_bytes(SHAPE)
    caches = open_caches(tmp_path, cache_gb=room / 1e9, **options)
    assert {name: cache.slots for name, cache in caches.items()} == {"x_to_y": 4, "y_to_x": 4}
    caches = open_caches(tmp_path, cache_gb=1.0, **options)
    assert {cache.slots for cache in caches.values()} == {10}
    assert open_caches(tmp_path, cache_gb=0.0, **options)["x_to_y"].slots == 0

    large = {**options, "shapes": dict.fromkeys(options["shapes"], (256, 256, 3)), "count": 10**4}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=2.56e9))
    with pytest.raises(OptionError, match=r"7\.86 GB more .* 2\.56 GB are .*--cache_gb=2\.5"):
        open_caches(tmp_path / "answers", cache_gb=9.0, **large)
    assert not (tmp_path / "answers").exists()
    open_caches(tmp_path / "answers", cache_gb=2.5, **large)
