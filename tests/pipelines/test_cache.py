import concurrent.futures

import numpy as np
import pytest

from pipelines.cache import DiskCache, MemoryCache, NoCache

PICTURE = np.full((500, 800, 1), 7, np.uint8)  # 0.4 MB


class Maker:
    """Counts how often a picture is really made."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return PICTURE


@pytest.fixture(params=["memory", "disk"])
def cache(request, tmp_path):
    return MemoryCache(1) if request.param == "memory" else DiskCache(tmp_path / "deep", 1)


def test_makes_once_up_to_the_bound_and_never_evicts(cache):
    make = Maker()
    for _ in range(3):
        for key in "abc":  # two fit into 1 MB
            np.testing.assert_array_equal(cache.get(key, make), PICTURE)
    assert make.calls == 2 + 3


def test_many_threads(cache):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda i: cache.get(str(i % 2), Maker()), range(64)))
    assert all((result == PICTURE).all() for result in results)


def test_no_cache_always_makes():
    make = Maker()
    for _ in range(3):
        NoCache().get("a", make)
    assert make.calls == 3


def test_disk_serves_the_next_run_and_counts_what_is_there(tmp_path):
    DiskCache(tmp_path, 1).get("a", Maker())
    make = Maker()
    later = DiskCache(tmp_path, 1)
    later.get("a", make)
    assert make.calls == 0
    later.get("b", make)
    later.get("c", make)  # no room left beside a and b
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".npy", ".npy"]


def test_a_torn_file_is_made_anew(tmp_path):
    DiskCache(tmp_path, 9).get("a", Maker())
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    make = Maker()
    np.testing.assert_array_equal(DiskCache(tmp_path, 9).get("a", make), PICTURE)
    assert make.calls == 1
    np.testing.assert_array_equal(np.load(file), PICTURE)


def test_a_folder_that_cannot_be_written_only_costs_speed(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    cache, make = DiskCache(tmp_path / "file" / "below", 9), Maker()
    for _ in range(2):
        np.testing.assert_array_equal(cache.get("a", make), PICTURE)
    assert make.calls == 2
