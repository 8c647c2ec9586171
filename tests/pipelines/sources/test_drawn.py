"""What the drawn sets of pictures with 8 bits have in common."""

import numpy as np
import pytest

from pipelines.sources import demo, houses


@pytest.fixture(
    scope="module", params=[(demo, "ponies"), (houses, "houses")], ids=["ponies", "houses"]
)
def sources(request):
    """A set, and the same loaded once more."""
    module, name = request.param
    return module.load(name), module.load(name)


def test_counts_and_sizes(sources):
    source, _ = sources
    for pictures, count in (
        (source.train_a, 400),
        (source.train_b, 400),
        (source.test_a, 32),
        (source.test_b, 32),
    ):
        assert len(pictures) == len(set(pictures.names)) == count
        assert pictures[0].shape == (64, 64, 3)
        assert pictures[0].dtype == np.uint8
        assert pictures.size(0) == (64, 64)


def test_a_picture_is_a_pure_function_of_its_number(sources):
    source, again = sources
    for index in (0, 7):
        np.testing.assert_array_equal(source.train_a[index], again.train_a[index])
        np.testing.assert_array_equal(source.train_b[index], again.train_b[index])
        assert source.train_a.key(index) == again.train_a.key(index)
        assert source.train_b.key(index) == again.train_b.key(index)
        assert source.train_a.key(index) != source.train_b.key(index)
    for pictures in (source.train_a, source.train_b):
        assert not np.array_equal(pictures[0], pictures[1])
        assert pictures.key(0) != pictures.key(1)
