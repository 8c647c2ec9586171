import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.random import seed_generator
from tensorflow.python.framework import config

from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.training.global_state import global_state


def draws():
    """Numbers from every generator that a caller may use."""
    numbers = [random.random(), float(np.random.uniform()), float(tf.random.uniform(()))]
    if hasattr(seed_generator, "GLOBAL_SEED_GENERATOR"):  # earlier versions of Keras never seed it
        numbers.append(float(keras.random.uniform(())))
    return numbers


def trained(**options):
    """What a training sees within the state that its options ask for."""
    with global_state(**options):
        return (
            keras.config.dtype_policy().name,
            config.is_op_determinism_enabled(),
            draws(),
            keras.initializers.GlorotUniform()((2, 2)).numpy().tolist(),
        )


def test_nothing_of_an_earlier_training_remains():
    plain = trained(seed=3)
    assert plain[:2] == ("float32", False)
    assert trained(seed=5, deterministic=True, mixed_precision="bfloat16") != plain
    assert trained(seed=3) == plain


@pytest.mark.parametrize("deterministic", [True, False])
def test_what_the_caller_had_chosen_is_put_back(deterministic):
    keras.config.set_dtype_policy("mixed_bfloat16")
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    try:
        random.seed(7)
        np.random.seed(7)
        expected = [random.random(), float(np.random.uniform())]
        random.seed(7)
        np.random.seed(7)
        own_seed, other_seed = 3, 4
        assert trained(seed=own_seed, deterministic=not deterministic)[0] == "float32"
        with pytest.raises(OptionError), global_state(seed=other_seed):
            raise OptionError("in the middle of a training")
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        assert config.is_op_determinism_enabled() == deterministic
        after = draws()
        assert after[:2] == expected
        for seed in (own_seed, other_seed):  # the caller does not go on with a training's seed
            assert not set(after) & set(trained(seed=seed)[2])
    finally:
        config.disable_op_determinism()
