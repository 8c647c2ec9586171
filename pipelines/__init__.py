"""Pictures in, batches `{"x", "y"}` of float32 NHWC images in [-1, 1] out.

Domain A is x and B is y, unless `--direction=BtoA` swaps them. Order and augmentation are a pure
function of (seed, step), so a run can be continued at any step without replaying the ones before.
"""


def build(options, *, seed: int, paired: bool = False):
    """Finds, checks and prepares the pictures that `options` name.

    Args:
        options: `pipelines.options.DataOptions`, what the user chose; `load_size` and
            `crop_size` may still be None.
        seed: any whole number; together with a step it fixes order and augmentation.
        paired: whether the two pictures of a training sample must show one scene.

    Returns:
        A `pipelines.data.Data`.

    Raises:
        DataError: the options or the pictures cannot be used.
    """
    from pipelines.data import Data  # imports TensorFlow, which options and --help never need

    return Data(options, seed=seed, paired=paired)
