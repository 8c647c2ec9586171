"""How near translations come to counterparts that are known."""

from cyclegan_keras.metrics.paired import paired_error


def ground_truth(trainer, data) -> str:
    """Returns a line for each direction of a data set whose test pictures have counterparts.

    Args:
        trainer: translates.
        data: a `pipelines.data.Data`, with `paired_test`.
    """
    lines = []
    for direction, name in trainer.translators.items():
        source, target = direction[0], direction[-1]
        pairs = ((batch[source].numpy(), batch[target].numpy()) for batch in data.test())
        error = paired_error(lambda images, way=direction: trainer.translate(images, way), pairs)
        lines.append(
            f"{name[-1].upper()} on {source}: mean error against the true counterpart "
            f"{error['translated']:.2f} of 255, copying the input {error['copied']:.2f}: "
            f"cut by {error['cut']:.0%}"
        )
    return "\n".join(lines)
