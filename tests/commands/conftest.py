import functools

import pytest
import tensorflow as tf

from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from pipelines.sources import demo


@pytest.fixture(scope="module")
def without_blocks():
    """The smallest generator has no residual blocks, and the demo set has few test pictures.

    Every training and every export would trace each of the blocks.
    """
    with pytest.MonkeyPatch.context() as patch:
        shallow = functools.partial(ResNetGenerator.from_options, n_blocks=0)
        patch.setitem(GENERATORS, "resnet_3blocks", shallow)
        patch.setattr(demo, "TEST_COUNT", 6)
        yield


@pytest.fixture(scope="module")
def small_and_without_graphs():
    """The smallest generator has one residual block; four steps take less time than tracing."""
    with pytest.MonkeyPatch.context() as patch:
        one_block = functools.partial(ResNetGenerator.from_options, n_blocks=1)
        patch.setitem(GENERATORS, "resnet_3blocks", one_block)
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)
