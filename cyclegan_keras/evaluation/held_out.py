"""Real pictures to evaluate on, from a data set."""

import numpy as np

from cyclegan_keras.evaluation.protocol import Pictures
from cyclegan_keras.files.errors import EvaluationError

OTHER_REAL = 300  # further real pictures to compare real ones with; more take minutes for little
LEAST = 3  # pictures of each domain that every measure needs


def indices(count: int, part: str = "all", most: int | None = None) -> list[int]:
    """Returns which of `count` test pictures count.

    Args:
        count: how many there are.
        part: "all"; "selection", every second one from the first on; "held_out", the others.
        most: how many to take, spread evenly, or None.
    """
    if part == "all":
        found = list(range(count))
    elif part == "selection":
        found = list(range(0, count, 2))
    else:
        found = list(range(1, count, 2))
    if most and most < len(found):
        found = [found[i] for i in np.linspace(0, len(found) - 1, most).round().astype(int)]
    return found


def pictures_of(data, part: str = "all", most: int | None = None) -> dict[str, Pictures]:
    """Returns the pictures of both directions, "x_to_y" and "y_to_x", of a test split.

    Args:
        data: a `pipelines.data.Data`.
        part: see `indices`.
        most: pictures of each domain at most, or None.

    Raises:
        EvaluationError: too few pictures.
    """
    test_x, test_y = data.unaugmented("test", "x"), data.unaugmented("test", "y")
    chosen_x, chosen_y = indices(len(test_x), part, most), indices(len(test_y), part, most)
    if min(len(chosen_x), len(chosen_y)) < LEAST:
        raise EvaluationError(
            f"{data.name} has {len(chosen_x)} and {len(chosen_y)} test pictures in this part "
            f"({part}), but at least {LEAST} of each domain are needed."
        )
    pictures_x = [test_x(i) for i in chosen_x]
    pictures_y = [test_y(i) for i in chosen_y]
    return {
        "x_to_y": Pictures(
            inputs=pictures_x,
            real=pictures_y,
            other_real=_training_pictures(data, "y"),
            truth=pictures_y if data.paired_test else None,
            names=[test_x.pictures.names[i] for i in chosen_x],
            source_form=data.forms["x"],
            target_form=data.forms["y"],
        ),
        "y_to_x": Pictures(
            inputs=pictures_y,
            real=pictures_x,
            other_real=_training_pictures(data, "x"),
            truth=pictures_x if data.paired_test else None,
            names=[test_y.pictures.names[i] for i in chosen_y],
            source_form=data.forms["y"],
            target_form=data.forms["x"],
        ),
    }


def _training_pictures(data, name: str) -> list[np.ndarray]:
    train = data.unaugmented("train", name)
    return [train(i) for i in indices(len(train), most=OTHER_REAL)]
