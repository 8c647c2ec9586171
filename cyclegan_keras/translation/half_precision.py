"""A network that computes in bfloat16, beside one that does not."""

import keras


def in_bfloat16(network: keras.Model) -> keras.Model:
    """Returns a copy of a generator that computes in bfloat16.

    Weights stay float32 and are rounded where they are used, and what comes out is float32, as in a
    training of mixed precision. The copy keeps the description.

    Args:
        network: a generator of this package.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")  # of this thread alone
    try:
        copy = type(network).from_config(network.get_config())
    finally:
        keras.config.set_dtype_policy(policy)
    copy.set_weights(network.get_weights())
    copy.description = network.description
    return copy
