import numpy as np
import pytest

from cyclegan_keras.compression.schedule import CropSchedule


def make(steps=10, batch_size=3, repeats=4, seed=0):
    return CropSchedule(steps=steps, batch_size=batch_size, repeats=repeats, seed=seed)


def test_each_crop_is_used_once_where_nothing_repeats():
    schedule = make(repeats=1)
    assert schedule.numbers_between(0, 10).ravel().tolist() == list(range(30))


def test_each_pass_uses_every_crop_once_in_an_order_of_its_own():
    schedule = make(steps=16)  # 48 uses, of 12 crops
    assert schedule.count == 12
    passes = schedule.numbers_between(0, 16).reshape(4, 12).tolist()
    assert all(sorted(each) == list(range(12)) for each in passes)
    assert len(set(map(tuple, passes))) == 4


def test_a_step_does_not_depend_on_where_one_starts():
    schedule = make()
    assert schedule.count == 8  # 7.5 rounded up
    together = schedule.numbers_between(0, 10)
    for step in (7, 0, 9):
        np.testing.assert_array_equal(schedule.numbers(step), together[step])
    np.testing.assert_array_equal(make().numbers_between(4, 7), together[4:7])
    assert make(seed=1).numbers_between(0, 10).tolist() != together.tolist()


def test_orders_stay_the_same_in_all_versions():
    """As written down with NumPy 2; runs are resumed by other versions too."""
    numbers = make(steps=6, batch_size=2, repeats=2, seed=7).numbers_between(3, 6)
    assert numbers.tolist() == ORDER_OF_SEED_7


@pytest.mark.parametrize("repeats", [1, 3])
def test_nothing_is_left_of_an_empty_window(repeats):
    assert make(repeats=repeats).numbers_between(5, 5).shape == (0, 3)


ORDER_OF_SEED_7 = [[1, 4], [3, 2], [5, 0]]
