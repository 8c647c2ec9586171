"""How near translations come to counterparts that are known."""

import math

import numpy as np

from cyclegan_keras.metrics.paired import paired_error


def ground_truth(trainer, data) -> str:
    """Returns a line for each direction of a data set whose test pictures have counterparts.

    Args:
        trainer: translates.
        data: a `pipelines.data.Data`, with `paired_test`.

    Errors are in the unit of the counterparts: "12.30 of 255" for ordinary pictures, and "12.3 on a
    scale of -1024 to 3071" for others.
    """
    lines = []
    for direction, generator in trainer.translators.items():
        source, target = direction.split("_to_")

        def translate(images, direction=direction):
            return trainer.translate(images, direction)

        pairs = ((np.asarray(batch[source]), np.asarray(batch[target])) for batch in data.test())
        values = data.forms[target].values
        error = paired_error(translate, pairs, values, data.forms[source].values)
        if values.is_eight_bit:
            translated, copied = f"{error['translated']:.2f} of 255", f"{error['copied']:.2f}"
        else:
            translated = f"{error['translated']:.4g} on a scale of {values.words}"
            copied = f"{error['copied']:.4g}"
        if math.isnan(error["copied"]):
            comparison = "inputs, which have other channels, cannot be compared with them."
        elif math.isnan(error["cut"]):
            comparison = "inputs equal their counterparts, so that there is no error to cut."
        elif round(error["cut"], 2) < 0:
            comparison = f"unchanged inputs have {copied}, so it is {-error['cut']:.0%} greater."
        else:
            comparison = f"unchanged inputs have {copied}, so it is cut by {abs(error['cut']):.0%}."
        letter = "G" if generator == "generator_g" else "F"
        lines.append(
            f"{letter} on {source}: the mean error to the true counterparts is {translated}; "
            f"{comparison}"
        )
    return "\n".join(lines)
