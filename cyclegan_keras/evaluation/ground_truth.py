"""How near translations come to counterparts that are known."""

from cyclegan_keras.metrics.paired import paired_error


def ground_truth(trainer, data) -> str:
    """Returns a line for each direction of a data set whose test pictures have counterparts.

    Args:
        trainer: translates.
        data: a `pipelines.data.Data`, with `paired_test`.
    """
    lines = []
    for direction, generator in trainer.translators.items():
        source, target = direction.split("_to_")

        def translate(images, direction=direction):
            return trainer.translate(images, direction)

        pairs = ((batch[source].numpy(), batch[target].numpy()) for batch in data.test())
        error = paired_error(translate, pairs)
        letter = "G" if generator == "generator_g" else "F"
        lines.append(
            f"{letter} on {source}: the mean error to the true counterparts is "
            f"{error['translated']:.2f} of 255; unchanged inputs have {error['copied']:.2f}, so it "
            f"is cut by {error['cut']:.0%}."
        )
    return "\n".join(lines)
