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


@pytest.fixture(scope="module")
def exported(make_job, tmp_path_factory):
    return write_saved_model(make_job(tmp_path_factory.mktemp("ponies"), max_image_pixels=70000))


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


def test_what_is_written(folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"saved_model.pb", "variables/variables.index", "assets.extra/model.json"} <= names
    content = json.loads((folder / "assets.extra" / "model.json").read_text())
    assert content["licence"] == "CC0"
    assert content["max_image_pixels"] == 70000
    assert "serving_default" in content["signatures"]
    assert content["generators"]["b_to_a"]["size_multiple"] == 4


@pytest.mark.slow
@pytest.mark.process
def test_a_bare_process_with_tensorflow_alone_answers(folder, tmp_path):
    """Neither Keras nor this package can be imported there."""
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


@pytest.mark.slow
def test_warm_up_requests_parse_and_replay(folder):
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


def test_without_the_protos_there_are_no_warm_up_requests(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving", None)
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert not write_warmup_requests(tmp_path / "requests", ["a_to_b"], 16)
    assert not list(tmp_path.iterdir())
