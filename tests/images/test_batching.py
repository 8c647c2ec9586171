import numpy as np
import pytest

from cyclegan_keras.images.batching import batches_by_shape


def shapes_of_batches(shapes, *, size, most_shapes):
    pictures = [np.zeros(shape) for shape in shapes]
    found = batches_by_shape(
        pictures, shape=np.shape, limit=lambda picture: size, most_shapes=most_shapes
    )
    return [(len(batch), *batch[0].shape) for batch in found]


@pytest.mark.parametrize(
    ("most_shapes", "expected"),
    [
        (1, [(2, 4, 4), (1, 4, 4), (1, 2, 3), (1, 4, 4)]),
        (2, [(2, 4, 4), (2, 4, 4), (1, 2, 3)]),
    ],
)
def test_pictures_of_one_shape_go_together(most_shapes, expected):
    shapes = [(4, 4)] * 3 + [(2, 3)] + [(4, 4)]
    assert shapes_of_batches(shapes, size=2, most_shapes=most_shapes) == expected


def test_the_longest_waiting_batch_goes_first_when_too_many_shapes_wait():
    shapes = [(1, 1), (2, 2), (3, 3), (2, 2)]
    found = shapes_of_batches(shapes, size=2, most_shapes=2)
    assert found == [(1, 1, 1), (2, 2, 2), (1, 3, 3)]


def test_one_waiting_shape_keeps_the_order():
    random = np.random.default_rng(0)
    items = [(index, random.integers(3)) for index in range(50)]
    found = batches_by_shape(items, shape=lambda item: item[1:], limit=lambda item: 4)
    assert [item for batch in found for item in batch] == items
