import json

import pytest

from cyclegan_keras.files.direction import Direction

A_TO_B, B_TO_A = Direction


@pytest.mark.parametrize(
    ("direction", "flag", "signature", "source", "target", "file_name"),
    [
        (A_TO_B, "AtoB", "a_to_b", "A", "B", "generator_g"),
        (B_TO_A, "BtoA", "b_to_a", "B", "A", "generator_f"),
    ],
)
def test_spellings(direction, flag, signature, source, target, file_name):
    assert direction == flag
    assert f"{direction}" == str(direction) == flag
    assert json.dumps({direction: direction}) == json.dumps({flag: flag})
    assert {flag: 1}[direction] == 1
    assert direction.signature == signature
    assert Direction.of_signature(signature) is Direction(flag) is direction
    assert (direction.source, direction.target) == (source, target)
    assert direction.file_name == file_name


def test_opposites():
    assert A_TO_B.opposite is B_TO_A
    assert B_TO_A.opposite is A_TO_B


@pytest.mark.parametrize("direction", Direction)
def test_a_run_says_which_way_x_to_y_goes(direction):
    assert direction.of_generator("generator_g") is direction
    assert direction.of_generator("generator_f") is direction.opposite


def test_unknown_signatures_are_refused():
    with pytest.raises(ValueError, match="Received: 'AtoB'"):
        Direction.of_signature("AtoB")
