import io
import json
import pathlib
import shutil
import struct
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from cyclegan_keras.export.tflite import export_tflite
from cyclegan_keras.images import reading
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.values import Values
from cyclegan_keras.models import any_size
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.unet_generator import UNetGenerator

run = pytest.importorskip("cyclegan_keras.export.tflite_run")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    generator = UNetGenerator(ngf=2, n_downs=2, norm="none")
    folder = tmp_path_factory.mktemp("tflite")
    return export_tflite(generator, folder, "g", size=(16, 24), variants=["fp32"])["fp32"]


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "in.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (37, 50, 3)).astype("uint8")
    Image.fromarray(pixels).save(path, exif=b"")
    return path


def alone(program, *words):
    return subprocess.run(
        [sys.executable, str(program), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.process
def test_a_copy_of_the_file_alone_translates(model, picture, tmp_path):
    program = tmp_path / "elsewhere" / "tflite_run.py"
    program.parent.mkdir()
    shutil.copy(run.__file__, program)
    done = alone(program, model, picture, tmp_path / "out.png")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "out.png") as found:
        assert (found.format, found.size, found.mode) == ("PNG", (50, 37), "RGB")


@pytest.mark.process
def test_it_imports_neither_tensorflow_nor_keras():
    code = f"import runpy, sys; runpy.run_path({run.__file__!r}); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.strip(" '").split(".")[0] for name in done.stdout.strip("[]\n").split(",")}
    assert not loaded & {"tensorflow", "keras", "cyclegan_keras", "jax", "torch"}


@pytest.mark.process
def test_it_measures(model):
    facts = json.loads(alone(run.__file__, model, "--repeats=2").stdout)
    assert facts["latency_ms"] > 0
    if pathlib.Path("/proc/self/status").exists():
        assert 10 < facts["peak_memory_mb"] < 4000


@pytest.mark.slow
def test_a_picture_of_the_files_size_is_translated_as_by_keras(model, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype("uint8")
    interpreter = run.open_model(model)
    expected = run.run(interpreter, pixels[None].astype("float32") / 127.5 - 1)[0]
    found = run.translate(interpreter, pixels)
    np.testing.assert_array_equal(found, np.clip(np.round((expected + 1) * 127.5), 0, 255))


class Stub:
    """An interpreter of a file of 16x24 pixels."""

    def get_input_details(self):
        return [{"shape": np.array([1, 16, 24, 3])}]


FITTING = {  # of the picture -> what of the file's size it fills
    (16, 24): (16, 24),
    (13, 7): (13, 7),
    (1, 1): (1, 1),
    (32, 48): (16, 24),
    (64, 48): (16, 12),
    (15, 96): (4, 24),
    (300, 2): (16, 1),
}


@pytest.mark.parametrize("size", FITTING)
def test_any_size_keeps_its_proportions(size, monkeypatch):
    """The file sees the picture within its own size, with mirrored borders; nothing is squeezed."""
    seen = []

    def same(interpreter, images):
        seen.append(images)
        return images

    monkeypatch.setattr(run, "run", same)
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype("uint8")
    translated = run.translate(Stub(), pixels)
    assert translated.shape == pixels.shape
    (images,) = seen
    height, width = FITTING[size]
    small = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
    expected = small[any_size.mirrored(height, 16)][:, any_size.mirrored(width, 24)]
    # Pillow rounds the picture to levels.
    np.testing.assert_allclose(images[0], expected.astype("float32") / 127.5 - 1, atol=1.01 / 127.5)
    if size == (height, width):
        np.testing.assert_array_equal(translated, pixels)


@pytest.mark.parametrize("side", [1, 2, 3, 16])
def test_borders_are_mirrored_as_by_the_package(side):
    np.testing.assert_array_equal(run.mirrored(side, 50), any_size.mirrored(side, 50))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "is not a file"), (b"not a model", "no TFLite file that can run")],
)
def test_a_file_that_is_no_model_is_a_sentence(content, sentence, tmp_path, picture, capsys):
    path = tmp_path / "x.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        run.main([str(path), str(picture), str(tmp_path / "out.png")])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_file_that_is_no_picture_is_a_sentence(model, tmp_path, capsys):
    (tmp_path / "in.jpg").write_bytes(b"no picture")
    with pytest.raises(SystemExit) as ended:
        run.main([str(model), str(tmp_path / "in.jpg"), str(tmp_path / "out.png")])
    assert ended.value.code == 2
    assert "in.jpg" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (np.zeros((0, 70, 3)), "holds (0, 70, 3), which are no numbers"),
        (np.zeros((70, 0, 3)), "holds (70, 0, 3), which are no numbers"),
        (np.full((7, 7, 3), np.nan), "holds numbers that are not finite"),
        (np.full((7, 7, 3), np.inf, "float16"), "holds numbers that are not finite"),
    ],
)
def test_numbers_that_are_no_picture_are_a_sentence(model, numbers, sentence, tmp_path, capsys):
    np.save(tmp_path / "in.npy", numbers)
    with pytest.raises(SystemExit) as ended:
        run.main([str(model), str(tmp_path / "in.npy"), str(tmp_path / "out.npy")])
    assert ended.value.code == 2
    assert f"in.npy {sentence}" in capsys.readouterr().err
    assert not (tmp_path / "out.npy").exists()


def test_a_model_whose_numbers_are_not_finite_is_a_sentence(model, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "translate_floats", lambda interpreter, x: x * np.nan)
    with pytest.raises(run.TFLiteError, match="not finite"):
        run.translate_file(run.open_model(model), {}, picture, tmp_path / "out.png")


@pytest.mark.parametrize("flag", ["--threads=0", "--threads=-1", "--repeats=0"])
def test_a_number_that_is_too_small_names_its_flag(flag, capsys):
    with pytest.raises(SystemExit) as ended:
        run.main(["model.tflite", "in.png", "out.png", flag])
    assert ended.value.code == 2
    assert f"{flag}: expected at least 1" in capsys.readouterr().err


EXIF = Image.Exif()
EXIF[0x0112] = 6
WIDE = b"".join(
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        .tobytes()
        .replace(struct.pack(">i", 0x6FA0), struct.pack(">i", 0x8FA0))
    ]
)


def saved(pixels, name, folder, mode=None, **options):
    image = Image.fromarray(pixels)
    image = image.convert(mode) if mode else image
    image.save(folder / name, **options)
    return folder / name


def numbers_of(shape, dtype="uint8"):
    return np.random.default_rng(3).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


PICTURES = {
    "jpeg": ((9, 13, 3), "uint8", "a.jpg", {}),
    "turned": ((9, 13, 3), "uint8", "a.jpg", {"exif": EXIF.tobytes()}),
    "alpha": ((9, 13, 4), "uint8", "a.png", {}),
    "gray": ((9, 13), "uint8", "a.png", {}),
    "gray jpeg": ((9, 13), "uint8", "a.jpg", {}),
    "gray and alpha": ((9, 13, 4), "uint8", "a.png", {"mode": "LA"}),
    "palette": ((9, 13, 3), "uint8", "a.png", {"mode": "P", "transparency": 3}),
    "cmyk": ((9, 13, 3), "uint8", "a.jpg", {"mode": "CMYK"}),
    "wide": ((9, 13, 3), "uint8", "a.png", {"icc_profile": WIDE}),
    "16-bit gray": ((9, 13), "uint16", "a.png", {}),
    "16-bit gray tiff": ((9, 13), "uint16", "a.tif", {}),
}
FORMS = {
    "RGB": Form(),
    "gray": Form(channels=1),
    "12-bit gray": Form(channels=1, values=Values(dtype="uint16", low=0, high=4095)),
    "RGBA": Form(channels=4),
}


@pytest.mark.parametrize("form", ["RGB", "gray", "12-bit gray"])
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_read_as_by_the_package(name, form, tmp_path):
    shape, dtype, file, options = PICTURES[name]
    path = saved(numbers_of(shape, dtype), file, tmp_path, **options)
    form = FORMS[form]
    values = form.values.to_dict()
    found = run.to_network(run.read_numbers(path, values, form.channels), values)
    expected = to_float(form.array(reading.read_picture(path)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)


def test_the_wide_profile_is_one():
    pixels = numbers_of((9, 13, 3))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", icc_profile=WIDE)
    assert np.abs(reading.read_picture(file.getvalue()).pixels.astype(int) - pixels).max() > 5


def test_transparency_may_be_a_channel(tmp_path):
    path = saved(numbers_of((9, 13, 4)), "a.png", tmp_path)
    found = run.read_numbers(path, Values().to_dict(), 4)
    np.testing.assert_array_equal(found, FORMS["RGBA"].array(reading.read_picture(path)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
def test_arrays_and_their_numbers(dtype, tmp_path):
    values = Values(dtype=dtype, low=-20 if dtype[0] != "u" else 3, high=200)
    form = Form(channels=5, values=values)
    numbers = np.random.default_rng(0).uniform(3, 240, (6, 7, 5)).astype(dtype)
    np.save(tmp_path / "a.npy", numbers)
    found = run.to_network(run.read_numbers(tmp_path / "a.npy", values.to_dict(), 5), vars(values))
    np.testing.assert_array_equal(found, form.array(reading.read_picture(tmp_path / "a.npy")))
    back = run.from_network(found, values.to_dict())
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, values.from_network(found))


def test_deep_levels_are_written_as_16_bits(tmp_path):
    numbers = numbers_of((5, 6, 1), "uint16")
    for name in ("a.png", "a.tif", "a.npy"):
        run.write_numbers(numbers, tmp_path / name)
        np.testing.assert_array_equal(reading.read_picture(tmp_path / name).pixels, numbers)
    with pytest.raises(run.TFLiteError, match=r"1 channels of int16 fit into no picture.*\.npy"):
        run.write_numbers(numbers.astype("int16"), tmp_path / "a.png")


def test_what_is_not_read_here_is_a_sentence(tmp_path):
    deep = tmp_path / "deep.png"
    deep.write_bytes(bytes(imagecodecs.png_encode(numbers_of((5, 6, 3), "uint16"))))
    floats = saved(np.zeros((5, 6), "float32"), "floats.tif", tmp_path)
    for path, sentence in ((deep, "16-bit colors"), (floats, "holds F numbers")):
        with pytest.raises(run.TFLiteError, match=sentence):
            run.read_numbers(path, Values().to_dict(), 3)
    gray = saved(numbers_of((5, 6)), "gray.png", tmp_path)
    with pytest.raises(run.TFLiteError, match="has 1 channels, expected 4"):
        run.read_numbers(gray, Values().to_dict(), 4)


@pytest.mark.slow
def test_numbers_of_a_scan_survive(tmp_path):
    """Hounsfield units in, others out: what the network does not change comes back."""
    values = Values(dtype="int16", low=-1024, high=3071)
    generator = UNetGenerator(ngf=2, n_downs=2, norm="none", input_channels=1, output_channels=1)
    generator.description = Description.of(
        generator, source_values=values, target_values=values, reader_version=2
    )
    path = export_tflite(generator, tmp_path, "g", size=(16, 24), variants=["fp32"])["fp32"]
    numbers = np.random.default_rng(0).integers(-1024, 3072, (16, 24)).astype("int16")
    np.save(tmp_path / "in.npy", numbers)
    assert run.main([str(path), str(tmp_path / "in.npy"), str(tmp_path / "out.npy")]) == 0
    found = np.load(tmp_path / "out.npy")
    x = values.to_network(numbers)[None, ..., None]
    expected = values.from_network(np.asarray(generator(x))[0])
    assert found.dtype == np.int16
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_integers_there_and_back():
    x = np.linspace(-1, 1, 12, dtype="float32").reshape(1, 2, 2, 3)
    for dtype, quantization in (
        (np.int8, (1 / 127, 0)),
        (np.int16, (1 / 32767, 0)),
        (np.uint8, (0, 0)),
    ):
        details = {"dtype": dtype, "quantization": quantization}
        there = run._to_tensor(x, details)
        assert there.dtype == dtype
        np.testing.assert_allclose(run._from_tensor(there, details), x, atol=1 / 127)
