"""The exported model served by a process that has neither TensorFlow's Python nor Keras."""

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
from conftest import ROOT

from cyclegan_keras.export.receipt import translate_any_size

pytestmark = [pytest.mark.slow, pytest.mark.process]


@pytest.fixture(scope="module")
def served(models, tmp_path_factory):
    """What the process says when it serves."""
    config = ROOT / "deploy" / "models.config"
    command = [sys.executable, "-m", "deploy.standin_alone", f"--config={config}"]
    log = tmp_path_factory.mktemp("alone") / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, f"--base={models}"],
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            line = process.stdout.readline()
            assert line, log.read_text()[-3000:]
            yield json.loads(line)
        finally:
            process.kill()
            process.communicate()


def test_nothing_of_tensorflow_is_imported_but_messages(served):
    loaded = set(served["modules"])
    assert not loaded & {"tensorflow.python", "keras", "cyclegan_keras", "absl", "PIL"}
    of_tensorflow = {name for name in loaded if name.startswith("tensorflow.")}
    packages = ("tensorflow.core", "tensorflow.compiler", "tensorflow.tsl")
    assert "tensorflow.core.protobuf.meta_graph_pb2" in of_tensorflow
    assert all(name.startswith(packages) for name in of_tensorflow)


@pytest.mark.parametrize("interface", ["rest", "grpc"])
@pytest.mark.parametrize("direction", ["a_to_b", "b_to_a"])
def test_files_are_translated_as_by_keras(
    interface, direction, served, client, generators, make_picture, decoded, tmp_path
):
    (tmp_path / "in.png").write_bytes(make_picture(13, 21))
    words = [f"--server={served[interface]}", f"--signature={direction}"]
    words += ["--grpc"] if interface == "grpc" else []
    assert client.main([str(tmp_path / "in.png"), str(tmp_path / "out.png"), *words]) == 0
    translated = translate_any_size(generators[1][direction], decoded(make_picture(13, 21)))
    found = decoded((tmp_path / "out.png").read_bytes())
    assert np.abs(found - np.round((translated + 1) * 127.5)).max() <= 1


def post(served, body):
    url = f"http://{served['rest']}/v1/models/cyclegan:predict"
    with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=60) as answer:
        return json.load(answer)


@pytest.mark.parametrize("direction", ["a_to_b", "b_to_a"])
def test_floats_are_translated_as_by_keras(direction, served, generators):
    images = np.random.default_rng(0).random((2, 8, 12, 3), dtype="float32")
    body = {"signature_name": f"translate_float_{direction}", "inputs": images.tolist()}
    expected = (generators[1][direction](images * 2 - 1).numpy() + 1) / 2
    np.testing.assert_allclose(post(served, body)["outputs"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            {
                "signature_name": "a_to_b",
                "inputs": [{"b64": base64.b64encode(b"no picture").decode()}],
            },
            "assertion failed: [Picture 0 is no JPEG, PNG, GIF or BMP file.]",
        ),
        (
            {
                "signature_name": "translate_float_a_to_b",
                "inputs": [np.zeros((50, 90, 3)).tolist()],
            },
            "[Expected pictures of 1 to 4000 pixels, received height and width] [50] [90]",
        ),
    ],
    ids=["file", "floats"],
)
def test_what_is_refused_is_a_sentence(body, sentence, served):
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(served, body)
    assert refused.value.code == 400
    assert sentence in json.load(refused.value)["error"]
