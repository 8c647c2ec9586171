import dataclasses

import numpy as np
import pytest

from cyclegan_keras.evaluation.held_out import indices, pictures_of
from cyclegan_keras.files.errors import EvaluationError
from pipelines.data import Data
from pipelines.options import DataOptions


def test_both_parts_make_the_whole():
    selection, held_out = (indices(7, part) for part in ("selection", "held_out"))
    assert not set(selection) & set(held_out)
    assert sorted([*selection, *held_out]) == indices(7) == list(range(7))


@pytest.mark.parametrize("part", ["all", "selection", "held_out"])
def test_fewer_are_spread_evenly(part):
    found = indices(100, part, 5)
    assert len(set(found)) == 5
    assert set(found) <= set(indices(100, part))
    assert np.ptp(found) >= 98 - 1


def test_pictures_of_the_demo_set_have_counterparts():
    data = Data(DataOptions(dataset="demo/ponies", preprocess="crop"), seed=0)
    found = pictures_of(data, "selection", 4)
    there, back = found["x_to_y"], found["y_to_x"]
    assert there.names == ["pony_2_000", "pony_2_010", "pony_2_020", "pony_2_030"]
    for mine, others in ((there, back), (back, there)):
        assert mine.truth is mine.real
        np.testing.assert_array_equal(mine.real, others.inputs)
        assert len(mine.other_real) == 300
    assert np.abs(there.inputs[0].astype(int) - there.truth[0]).mean() > 5


def test_too_few_are_refused():
    data = Data(DataOptions(dataset="demo/ponies", preprocess="crop"), seed=0)
    with pytest.raises(EvaluationError, match="has 2 and 2 test pictures"):
        pictures_of(data, most=2)


def test_training_pictures_stand_in_for_missing_test_pictures():
    options = DataOptions(dataset="demo/ponies", preprocess="crop")
    data = Data(options, seed=0)
    without = dataclasses.replace(data.source, test_a=None, test_b=None)
    assert without.test_a is None
    names = data.unaugmented("train", "x").pictures.names
    assert len(names) == 400
