"""The files of the page: the best for a device, the made picture, and files that are too bad."""

import numpy as np
import pytest

from cyclegan_keras.export import tflite
from cyclegan_keras.export.job import ExportedFile
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.export.web import models
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError


def of_variants(*variants, sides=(64,)):
    return [{"variant": each, "height": side, "width": side} for side in sides for each in variants]


@pytest.mark.parametrize(
    ("variants", "parameters", "expected"),
    [
        (("uint8", "fp16"), 1_000_000, ("fp16", "fp16")),
        (("uint8", "fp16"), 2_000_001, ("uint8", "fp16")),
        (("fp32", "dynamic"), 11_000_000, ("dynamic", "fp32")),
        (("uint8",), 100, ("uint8", "uint8")),
    ],
)
def test_the_best_file_for_a_device(variants, parameters, expected):
    files = of_variants(*variants, sides=(64, 128))
    chosen = models.default_on(files, parameters=parameters)
    assert tuple(files[chosen[each]]["variant"] for each in ("wasm", "webgpu")) == expected
    assert all(index < len(variants) for index in chosen.values())  # of the first size


def test_the_made_picture_shows_every_axis():
    picture = models.made_picture(40, 300, 3)
    assert picture.shape == (40, 300, 3)
    assert picture.dtype == np.uint8
    assert picture[7, 299].tolist() == [299 * 255 // 300, 7 * 255 // 40, (299 ^ 7) & 255]
    gray = models.made_picture(40, 300, 1)
    assert gray.shape == (40, 300, 1)
    luma = picture @ np.array([0.299, 0.587, 0.114])
    assert np.abs(gray[..., 0] - luma).max() <= 1


def test_a_size_that_holds_no_check_is_refused():
    options = ExportOptions(tflite_size="16,4x16")
    with pytest.raises(ExportError, match=r"tflite_size=16,4x16: .* at least 8 pixels"):
        models.check_models(options, {})


@pytest.fixture
def write(make_job, tmp_path, monkeypatch):
    """Writes models of given qualities in dB, by variant, instead of converting any."""

    def write(quality, **options):
        job = make_job(tmp_path, tflite_size="32", web_variants=",".join(quality), **options)

        def write_measured(job, direction, folder, *, variants, batch):
            assert batch == 1
            files = []
            for variant in variants:
                path = folder / f"{direction.file_name}_{variant}.tflite"
                path.write_text(variant)
                files.append(
                    ExportedFile(
                        path=path,
                        kind=f"tflite {variant}",
                        direction=direction,
                        facts={"psnr_db": quality[variant]},
                        least_psnr_db=tflite.LEAST_PSNR_DB[variant],
                    )
                )
            return files

        monkeypatch.setattr(tflite, "write_measured", write_measured)
        folder = tmp_path / "models"
        folder.mkdir()
        return models.write_models(job, folder), folder

    return write


def test_a_bad_file_is_left_out_of_the_page(write, tmp_path):
    files, folder = write({"uint8": 12.0, "fp16": 80.0})
    names = {path.name for path in folder.iterdir()}
    assert names == {"generator_g_fp16.tflite", "generator_f_fp16.tflite"}
    assert [file.path for file in files if file.kind == "tflite uint8"] == [
        tmp_path / "generator_g_uint8.tflite",
        tmp_path / "generator_f_uint8.tflite",
    ]
    assert all(file.path.is_file() for file in files)


def test_a_bad_file_is_kept_where_that_is_allowed(write):
    files, folder = write({"uint8": 12.0}, allow_quality_loss=True)
    assert {file.path.parent for file in files} == {folder}
    assert [file.direction for file in files] == list(Direction)


def test_a_direction_without_a_good_file_is_an_error(write):
    with pytest.raises(ExportError, match=r"no file of a_to_b .*uint8 12\.0 dB, tflite fp16 60\.0"):
        write({"uint8": 12.0, "fp16": 60.0})
