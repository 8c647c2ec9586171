import pytest

from cyclegan_keras.commands.evaluate import curves_of
from cyclegan_keras.evaluation.protocol import Evaluation
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.metrics.base import Measure


@pytest.mark.parametrize(("x_to_y", "words"), [("AtoB", "x_to_y"), ("BtoA", "y_to_x")])
def test_directions_have_the_names_of_the_training(x_to_y, words):
    kid = Measure(
        name="KID",
        value=0.5,
        low=0.4,
        high=0.6,
        real_score=0.0,
        copy_score=1.0,
        better="lower",
        n=(3, 3),
        features="pixels",
        protocol="made up",
    )
    evaluation = Evaluation(
        source="brown ponies",
        target="striped ponies",
        measures=[kid],
        left_out={},
        translated=[],
        cycled=None,
    )
    curves = curves_of({Direction.A_TO_B: evaluation}, Direction(x_to_y))
    assert curves == {f"test/{words}/KID": 0.5}
