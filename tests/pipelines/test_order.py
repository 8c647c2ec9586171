import collections
import concurrent.futures
import functools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import order
from pipelines.order import Numbers


def numbered(samples, numbers):
    return [(number, *samples(number)) for number in numbers]


def unpaired(count_x=5, count_y=3, *, batch_size=1, seed=1, start_step=0, stop_step=20):
    numbers = Numbers(batch_size=batch_size, start_step=start_step, stop_step=stop_step)
    assert len(numbers) == (stop_step - start_step) * batch_size
    samples = order.unpaired(count_x, count_y, seed=seed, batch_size=batch_size)
    return numbered(samples, numbers)


def paired(count=5, *, batch_size=1, seed=1, start_step=0, stop_step=20):
    numbers = Numbers(batch_size=batch_size, start_step=start_step, stop_step=stop_step)
    samples = order.paired(count, seed=seed, batch_size=batch_size)
    return numbered(samples, numbers)


# ---- unpaired ----


@pytest.mark.parametrize("counts", [(8, 3), (3, 8), (8, 8)])
def test_the_longer_domain_comes_once_an_epoch(counts):
    longer, shorter = (0, 1) if counts[0] >= counts[1] else (1, 0)
    items = unpaired(*counts, stop_step=3 * max(counts))
    epochs = [items[i : i + max(counts)] for i in range(0, len(items), max(counts))]
    visits = [[item[1 + longer] for item in epoch] for epoch in epochs]
    assert all(sorted(visit) == list(range(max(counts))) for visit in visits)
    assert len({tuple(visit) for visit in visits}) == 3  # shuffled anew
    assert {item[1 + shorter] for item in items} == set(range(min(counts)))


def test_partners_are_drawn_evenly_and_with_replacement():
    items = unpaired(400, 4, stop_step=800)
    counts = collections.Counter(item[2] for item in items)
    # Chi-square with 3 degrees of freedom: 16.3 is the 0.1 % point.
    assert sum((counts[i] - 200) ** 2 / 200 for i in range(4)) < 16.3


def test_batches_do_not_cross_epochs():
    items = unpaired(5, 3, batch_size=2, stop_step=6)  # two batches an epoch, one picture left out
    for epoch in (items[:4], items[4:8], items[8:]):
        assert len({item[1] for item in epoch}) == 4
    assert [item[0] for item in items] == list(range(12))


whole_unpaired = functools.cache(unpaired)
whole_paired = functools.cache(paired)


# Epochs are of 5 steps with batches of 1, and of 2 steps with batches of 2.
@pytest.mark.parametrize(
    ("batch_size", "start_step"), [(1, 1), (1, 4), (1, 5), (1, 13), (2, 1), (2, 4), (2, 13)]
)
def test_a_late_start_is_the_tail(batch_size, start_step):
    whole = whole_unpaired(batch_size=batch_size)
    tail = unpaired(batch_size=batch_size, start_step=start_step)
    assert tail == whole[start_step * batch_size :]


def test_the_seed_matters():
    assert unpaired() == whole_unpaired(batch_size=1) != unpaired(seed=2)


def test_parts_share_out_the_numbers_of_every_batch():
    steps = {"batch_size": 6, "start_step": 1, "stop_step": 4}
    parts = [list(Numbers(**steps, part=part, parts=3)) for part in range(3)]
    assert [len(part) for part in parts] == [6, 6, 6]
    together = [part[2 * step + i] for step in range(3) for part in parts for i in range(2)]
    assert together == list(Numbers(**steps)) == list(range(6, 24))


def test_an_epoch_is_drawn_once_by_all_threads():
    drawn = []

    def epoch(number):
        drawn.append(number)
        time.sleep(0.01)
        return (np.arange(4) + 4 * number,)

    samples = order.Order(epoch, samples=4)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(samples, range(8))) == [(number,) for number in range(8)]
    assert sorted(drawn) == [0, 1]


# ---- paired ----


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31), st.integers(0, 4))
def test_every_pair_comes_once_an_epoch(count, batch_size, seed, epoch):
    batch_size = min(batch_size, count)
    steps = count // batch_size
    items = paired(
        count,
        batch_size=batch_size,
        seed=seed,
        start_step=epoch * steps,
        stop_step=(epoch + 1) * steps,
    )
    indices = [index for _, index in items]
    assert len(set(indices)) == len(indices) == steps * batch_size
    assert set(indices) <= set(range(count))
    first = epoch * steps * batch_size
    assert [sample for sample, _ in items] == list(range(first, first + steps * batch_size))


def test_epochs_and_seeds_shuffle_pairs_anew():
    items = paired(8, stop_step=24)
    assert len({tuple(index for _, index in items[i : i + 8]) for i in (0, 8, 16)}) == 3
    assert paired(8, stop_step=24) == items != paired(8, seed=2, stop_step=24)


@pytest.mark.parametrize(("batch_size", "start_step"), [(1, 1), (1, 13), (2, 5)])
def test_a_late_start_is_the_tail_of_pairs(batch_size, start_step):
    whole = whole_paired(batch_size=batch_size)
    tail = paired(batch_size=batch_size, start_step=start_step)
    assert tail == whole[start_step * batch_size :]
