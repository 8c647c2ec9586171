import dataclasses
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cyclegan_keras.export.saved_model import write_saved_model, write_warmup_requests
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.images import reading
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.values import Values, whole_range
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator


def encoded(pixels, kind):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def exported(make_job, tmp_path_factory):
    job = make_job(tmp_path_factory.mktemp("ponies"), max_image_pixels=70000)
    pixels = np.random.default_rng(1).integers(0, 256, (19, 25, 3)).astype("uint8")
    files = [encoded(pixels, "JPEG"), encoded(pixels, "WEBP")]
    files = dict.fromkeys(job.generators, files)
    return write_saved_model(dataclasses.replace(job, files=files))


@pytest.fixture(scope="module")
def folder(exported):
    return exported[0].path


@pytest.mark.slow
def test_every_direction_is_compared_with_keras(exported, folder):
    assert folder.name == "4"
    assert [each.direction for each in exported] == list(Direction)
    for each in exported:
        assert each.path == folder
        assert each.is_good
        assert each.facts["max_abs_error"] < 0.01
        assert [sample.shape for sample in each.samples] == [(22, 30, 3), (22, 30, 3)]


@pytest.mark.slow
def test_files_of_every_kind_are_compared(exported):
    for each in exported:
        kinds = {"original", "jpeg", "png_with_alpha", "png_gray", "png_16_bit"}
        assert set(each.facts["files"]) == kinds
        assert each.facts["files"]["original"]["count"] == 1
        assert each.facts["files_max_abs_error"] < 0.01
        assert each.facts["files_refused"] == {
            "is WebP, which this model does not decode: send PNG or JPEG.": 1
        }


def test_what_is_written(folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"saved_model.pb", "variables/variables.index", "assets.extra/model.json"} <= names
    content = json.loads((folder / "assets.extra" / "model.json").read_text())
    assert content["licence"] == "CC0"
    assert content["max_image_pixels"] == 70000
    assert "serving_default" in content["signatures"]
    assert content["generators"]["b_to_a"]["size_multiple"] == 4


@pytest.mark.release
def test_a_bare_process_with_tensorflow_alone_answers(folder, tmp_path):
    """Neither Keras nor this package can be imported there.

    tests/deploy/test_alone.py has a process with even less.
    """
    values = np.random.default_rng(0).integers(0, 256, (13, 21, 3)).astype("uint8")
    Image.fromarray(values).save(tmp_path / "in.jpg")
    code = (
        "import sys\n"
        "sys.modules['keras'] = sys.modules['cyclegan_keras'] = None\n"
        "import tensorflow as tf\n"
        "model = tf.saved_model.load(sys.argv[1])\n"
        "data = tf.constant([open('in.jpg', 'rb').read()])\n"
        "for name in ('a_to_b', 'b_to_a'):\n"
        "    answer = model.signatures[name](bytes_inputs=data)['image_bytes'][0].numpy()\n"
        "    open(name + '.png', 'wb').write(answer)\n"
    )
    command = [sys.executable, "-c", code, folder]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("a_to_b", "b_to_a"):
        assert Image.open(tmp_path / f"{name}.png").size == (21, 13)


@pytest.mark.release
def test_warm_up_requests_parse_and_replay(folder):
    """tests/deploy/test_serving.py sends smaller ones to the stand-in of a server."""
    log = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    records = tf.data.TFRecordDataset(str(folder / "assets.extra" / "tf_serving_warmup_requests"))
    model = tf.saved_model.load(str(folder))
    seen = []
    for record in records:
        request = log.PredictionLog.FromString(record.numpy()).predict_log.request
        signature = request.model_spec.signature_name
        files = tf.constant(tf.make_ndarray(request.inputs["bytes_inputs"]))
        answer = model.signatures[signature](bytes_inputs=files)["image_bytes"][0].numpy()
        assert Image.open(io.BytesIO(answer)).size == (256, 256)
        seen.append(signature)
    assert seen == ["serving_default", "a_to_b", "b_to_a"]


TWELVE_BIT = Values(dtype="uint16", low=0, high=4095)
HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)


def job_of(make_job, folder, *, channels, values, size=(24, 32)):
    """A job of one generator between pictures of a form, and its two pictures."""
    form = Form(channels=channels, values=values)
    network = ResNetGenerator(
        input_channels=channels, output_channels=channels, ngf=4, n_blocks=1, init_gain=0.2
    )
    network.description = Description.of(network, source_values=values, target_values=values)
    rng = np.random.default_rng(0)
    shape = (2, *size, channels)
    numbers = rng.integers(int(values.low), int(values.high) + 1, shape).astype(values.dtype)
    pictures = [form.array(Picture(pixels=each)) for each in numbers]
    return dataclasses.replace(
        make_job(folder, tflite_size="16"),
        generators={Direction.A_TO_B: network},
        pictures={Direction.A_TO_B: pictures},
        calibration={Direction.A_TO_B: pictures},
    )


@pytest.mark.release
def test_twelve_bits_travel_in_png_files(make_job, tmp_path):
    """Also by the float signature, which keeps them to a part of a level."""
    job = job_of(make_job, tmp_path, channels=1, values=TWELVE_BIT)
    (exported,) = write_saved_model(job)
    assert exported.is_good
    assert exported.facts["max_abs_error"] <= 2.01 / 4095  # one level, on the scale of [-1, 1]
    loaded = tf.saved_model.load(str(exported.path))
    (network,) = job.generators.values()
    x = job.pictures[Direction.A_TO_B][0]
    images = tf.constant((x[None] + 1) / 2)
    found = loaded.signatures["translate_float"](images=images)["translations"].numpy()[0]
    expected = (np.asarray(network(x[None]))[0] + 1) / 2
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.25 / 4095)

    numbers = TWELVE_BIT.from_network(x)
    data = tf.io.encode_png(numbers).numpy()
    answer = loaded.signatures["a_to_b"](bytes_inputs=tf.constant([data]))["image_bytes"].numpy()
    translated = reading.read_picture(answer[0]).pixels
    assert translated.dtype == np.uint16
    difference = translated.astype(int) - TWELVE_BIT.from_network(expected * 2 - 1)
    assert np.abs(difference).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "values"), [(1, HOUNSFIELD), (5, Values())])
def test_what_png_files_cannot_hold_is_served_as_floats(channels, values, make_job, tmp_path):
    (exported,) = write_saved_model(job_of(make_job, tmp_path, channels=channels, values=values))
    assert exported.is_good
    assert exported.facts["max_abs_error"] < 1e-4
    assert "PNG files cannot hold" in exported.facts["picture_files"]
    assert exported.samples[0].shape == (24, 32, channels)
    model = json.loads((exported.path / "assets.extra" / "model.json").read_text())
    assert model["signatures"] == ["translate_float", "translate_float_a_to_b"]
    inputs = model["inputs"]["a_to_b"]
    assert inputs["picture_files"] is False
    assert inputs["float_0_and_1_of_images"] == [values.low, values.high]
    assert model["generators"]["a_to_b"]["source_values"] == values.to_dict()


@pytest.mark.release
@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (4, 8), (3, 16), (2, 16)])
def test_files_of_other_channels_and_depths(channels, bits, make_job, tmp_path):
    values = whole_range(f"uint{bits}")
    (exported,) = write_saved_model(job_of(make_job, tmp_path, channels=channels, values=values))
    assert exported.is_good
    assert exported.facts["max_abs_error"] <= 2.01 / values.high
    assert "png_16_bit" in exported.facts["files"]


def test_without_the_protos_there_are_no_warm_up_requests(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving", None)
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert not write_warmup_requests(tmp_path / "requests", {"a_to_b": b"picture"})
    assert not list(tmp_path.iterdir())
