import platform

import keras
import numpy as np

from cyclegan_keras.runs.run import versions


def test_versions_are_those_that_run():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["keras"] == keras.__version__
    assert found["numpy"] == np.__version__
