import math
import pathlib

import pytest

from cyclegan_keras.export.job import ExportedFile
from cyclegan_keras.files.direction import Direction


@pytest.mark.parametrize(("psnr", "good"), [(40.0, True), (39.9, False), (math.nan, False)])
def test_good_is_at_least_the_threshold(psnr, good):
    file = ExportedFile(
        path=pathlib.Path("x"),
        kind="onnx",
        direction=Direction.A_TO_B,
        facts={"psnr_db": psnr},
        least_psnr_db=40.0,
    )
    assert file.is_good == good
