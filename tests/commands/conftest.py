import functools

import pytest
from made_runs import small_and_eager

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
    """The smallest generator has one residual block, and functions are not traced."""
    with small_and_eager(n_blocks=1):
        yield
