import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.export.tflite import export_tflite
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
