"""Real pictures to evaluate on, out of a data set."""

import numpy as np

from cyclegan_keras.evaluation.protocol import Pictures
from cyclegan_keras.files.errors import EvaluationError

OTHER_REAL = 300  # pictures for the floor of distances; more take minutes and change little
PARTS = ("all", "selection", "held_out")
LEAST = 3  # pictures that every measure can do with


def indices(count: int, part: str = "all", most: int | None = None) -> list[int]:
    """Returns which of `count` test pictures count.

    Args:
        count: how many there are.
        part: "all"; "selection", every second one from the first on; "held_out", the others.
        most: how many to take, spread evenly, or None.
    """
    start, step = {"all": (0, 1), "selection": (0, 2), "held_out": (1, 2)}[part]
    found = list(range(start, count, step))
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
    test, train = (
        {name: data.unaugmented(split, name) for name in "xy"} for split in ("test", "train")
    )
    chosen = {name: indices(len(test[name]), part, most) for name in "xy"}
    if min(map(len, chosen.values())) < LEAST:
        raise EvaluationError(
            f"{data.name} has {' and '.join(str(len(each)) for each in chosen.values())} test "
            f"pictures in this part ({part}), but {LEAST} of each domain are needed at least."
        )
    found = {}
    for source, target in ("xy", "yx"):
        real = [test[target](i) for i in chosen[target]]
        found[f"{source}_to_{target}"] = Pictures(
            inputs=[test[source](i) for i in chosen[source]],
            real=real,
            other_real=[train[target](i) for i in indices(len(train[target]), most=OTHER_REAL)],
            truth=real if data.paired_test else None,
            names=[test[source].pictures.names[i] for i in chosen[source]],
        )
    return found
