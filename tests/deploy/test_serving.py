"""The exported model, deploy/client.py and deploy/models.config together, before the stand-in.

The stand-in follows the server's documents and protos; deploy/smoke.sh asks the real server.
"""

import base64
import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from conftest import ROOT

pytest.importorskip("tensorflow_serving")

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

from cyclegan_keras.export.receipt import translate_any_size

pytestmark = pytest.mark.slow  # whole commands

CONFIG = (ROOT / "deploy" / "models.config").read_text()
BOTH = CONFIG.replace("versions: 1", "versions: 1 versions: 2")


GRPC_LATER = ("rest", pytest.param("grpc", marks=pytest.mark.release))


@pytest.fixture(params=["rest", "grpc"])
def interface(request, client):
    """(class of the client, method of the stand-in) of both interfaces."""
    kinds = {"rest": client.RestClient, "grpc": client.GrpcClient}
    return kinds[request.param], request.param


@pytest.fixture
def connect(interface, standin):
    """Makes a client of the stand-in."""
    kind, name = interface
    with {"rest": standin.rest, "grpc": standin.grpc}[name]() as address:
        yield lambda signature="serving_default", **kwargs: kind(
            address, "cyclegan", signature, **kwargs
        )


@pytest.mark.parametrize("direction", ["a_to_b", "b_to_a"])
def test_a_picture_in_a_picture_out(direction, connect, generators, make_picture, decoded):
    file = make_picture(13, 21)
    (answer,) = connect(direction).translate([file], 60)
    translated = translate_any_size(generators[1][direction], decoded(file))
    expected = np.round((translated + 1) * 127.5)
    assert np.abs(decoded(answer) - expected).max() <= 1


def test_a_batch_of_mixed_sizes_and_formats(connect, make_picture, decoded):
    kinds = {"PNG": (16, 20), "JPEG": (9, 33), "BMP": (40, 12), "GIF": (1, 7)}
    answers = connect().translate([make_picture(*kinds[f], form=f) for f in kinds], 60)
    assert [decoded(answer).shape[:2] for answer in answers] == list(kinds.values())


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ((b"no picture", None), "Picture 1 is no JPEG, PNG, GIF or BMP file"),
        ((b"", None), "Picture 1 is no JPEG, PNG, GIF or BMP file"),
        (((80, 60), None), "Picture 1 has 4800 pixels, expected 1 to 4000"),
        (((16, 20), 300), "Invalid PNG data"),
    ],
    ids=["words", "empty", "oversized", "cut"],
)
def test_a_bad_picture_is_refused_once_with_the_reason(client, connect, bad, words, make_picture):
    content, length = bad
    file = content if isinstance(content, bytes) else make_picture(*content)[:length]
    with pytest.raises(client.ServerError, match=words) as refused:
        client.translate_patiently(connect(), [make_picture(), file], 60)
    assert not refused.value.may_pass
    assert "given up" not in str(refused.value)
    assert re.match(f"(HTTP 400|INVALID_ARGUMENT): {words}", str(refused.value))
    assert len(connect().translate([make_picture()], 60)) == 1  # the next is served


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"signature": "c_to_d"}, '"c_to_d" not found'), ({"label": "nightly"}, "label: nightly")],
)
def test_what_the_server_does_not_have(client, connect, arguments, words, make_picture):
    with pytest.raises(client.ServerError, match=words) as error:
        connect(**arguments).translate([make_picture()], 60)
    assert not error.value.may_pass


@pytest.mark.slow
def test_32_clients_at_a_time_each_get_their_own(connect, make_picture):
    files = [make_picture(12, 16 + seed % 3, seed) for seed in range(32)]
    alone = [connect().translate([file], 60) for file in files]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        assert list(pool.map(lambda file: connect().translate([file], 60), files)) == alone


def test_requests_that_are_batched_get_their_own_part(client, new_standin, make_picture, decoded):
    batching = new_standin(batch_size=4, patience=60)
    files = [make_picture(8 + 4 * n, 12, n) for n in range(8)]
    with batching.rest() as address, concurrent.futures.ThreadPoolExecutor(8) as pool:
        rest = client.RestClient(address, "cyclegan", "serving_default")
        answers = list(pool.map(lambda file: rest.translate([file], 60)[0], files))
    assert batching.batches == [4, 4]
    assert [decoded(answer).shape[0] for answer in answers] == [8 + 4 * n for n in range(8)]


@pytest.mark.parametrize("interface", GRPC_LATER, indirect=True)
def test_version_labels_roll_forward_and_back(interface, new_standin, make_picture):
    kind, name = interface
    moving, file = new_standin(), [make_picture()]
    with {"rest": moving.rest, "grpc": moving.grpc}[name]() as address:
        stable = kind(address, "cyclegan", "serving_default", "stable")
        canary = kind(address, "cyclegan", "serving_default", "canary")
        first = stable.translate(file, 60)
        moving.configure(BOTH)
        assert stable.translate(file, 60) == canary.translate(file, 60) == first
        moving.configure(BOTH.replace('"canary" value: 1', '"canary" value: 2'))
        second = canary.translate(file, 60)
        assert stable.translate(file, 60) == first != second
        moving.configure(BOTH.replace("value: 1", "value: 2"))
        assert stable.translate(file, 60) == second
        moving.configure(BOTH)
        assert stable.translate(file, 60) == canary.translate(file, 60) == first


@pytest.mark.release
@pytest.mark.parametrize("interface", GRPC_LATER, indirect=True)
def test_a_server_that_comes_late_and_drops_is_waited_for(
    client, interface, new_standin, make_picture
):
    kind, name = interface
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asking = kind(f"127.0.0.1:{port}", "cyclegan", "serving_default")
    late = new_standin(failures=2)
    serve = {"rest": late.rest, "grpc": late.grpc}[name]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for _ in range(2):  # the second time it has been there before
            answer = pool.submit(client.translate_patiently, asking, [make_picture()], 30)
            time.sleep(0.5)
            assert not answer.done()
            with serve(port):
                assert len(answer.result(30)) == 1


def test_warm_up_records_parse_and_replay(models, standin):
    records = list(
        tf.data.TFRecordDataset(str(models / "1" / "assets.extra" / "tf_serving_warmup_requests"))
    )
    assert len(records) <= 1000  # the server refuses to load a model with more
    signatures = set()
    with standin.grpc() as address, grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for record in records:
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            assert log.WhichOneof("log_type") == "predict_log"
            request = log.predict_log.request
            signatures.add(request.model_spec.signature_name)
            request.model_spec.name = "cyclegan"  # the server fills in its own
            (answer,) = stub.Predict(request).outputs["image_bytes"].string_val
            assert answer.startswith(b"\x89PNG")
    assert signatures == {"serving_default", "a_to_b", "b_to_a"}


def get(address, path):
    with urllib.request.urlopen(f"http://{address}/v1/models/{path}", timeout=60) as answer:
        return json.load(answer)


def post(address, body):
    url = f"http://{address}/v1/models/cyclegan:predict"
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_the_curl_lines_of_the_readme(standin, make_picture, decoded):
    """By rows or columns, with names or without."""
    file = {"b64": base64.b64encode(make_picture()).decode()}
    with standin.rest() as address:
        for body in (
            {"instances": [file, file]},
            {"instances": [{"bytes_inputs": file}]},
            {"inputs": {"bytes_inputs": [file]}, "signature_name": "b_to_a"},
            {"inputs": [file]},
        ):
            ((key, answers),) = post(address, body).items()
            assert key == ("predictions" if "instances" in body else "outputs")
            assert len(answers) == len(body.get("instances", [file]))
            assert decoded(base64.b64decode(answers[0]["b64"])).shape == (16, 20, 3)
        for body in ({}, {"instances": [], "inputs": []}, {"inputs": {"pictures": [file]}}):
            with pytest.raises(urllib.error.HTTPError, match="400"):
                post(address, body)


def test_floats_by_rest(standin, generators):
    images = np.random.default_rng(0).random((2, 8, 12, 3), dtype="float32")
    body = {"signature_name": "translate_float", "instances": images.tolist()}
    with standin.rest() as address:
        translations = np.array(post(address, body)["predictions"])
    expected = (generators[1]["a_to_b"](images * 2 - 1).numpy() + 1) / 2
    np.testing.assert_allclose(translations, expected, atol=1e-5)


def test_status_and_metadata(standin):
    with standin.rest() as address:
        (status,) = get(address, "cyclegan/labels/stable")["model_version_status"]
        signatures = get(address, "cyclegan/metadata")["metadata"]["signature_def"]["signature_def"]
        for path in ("other", "cyclegan/versions/9", "other/metadata"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                get(address, path)
    assert (status["version"], status["state"]) == ("1", "AVAILABLE")
    default = signatures["serving_default"]
    assert default["inputs"]["bytes_inputs"]["dtype"] == "DT_STRING"
    assert default["outputs"].keys() == {"image_bytes"}  # so named that REST gives base64
    batch = [size["size"] for size in default["inputs"]["bytes_inputs"]["tensor_shape"]["dim"]]
    assert batch == ["-1"]
    assert default["method_name"] == "tensorflow/serving/predict"
    with standin.grpc() as address, grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "cyclegan"
        assert "signature_def" in stub.GetModelMetadata(request).metadata
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=request.model_spec)
        states = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request)
        assert [state.version for state in states.model_version_status] == [1]


def test_a_folder_in_parallel_with_one_bad_picture(client, standin, folder, tmp_path, capsys):
    source = folder(5)
    (source / "bad.jpg").write_bytes(b"no picture")
    with standin.rest() as address:
        assert client.main([str(source), str(tmp_path / "out"), f"--server={address}"]) == 1
    err = capsys.readouterr().err
    assert "bad.jpg: HTTP 400: Picture 0 is no" in err
    assert "5 translated, 1 failed" in err
    out = tmp_path / "out"
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == {"0.png.png", "2.png.png", "4.png.png", "sub/1.png.png", "sub/3.png.png"}


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("flag", [[], ["--grpc"]], ids=["rest", "grpc"])
def test_a_client_killed_in_the_middle_leaves_the_server_serving(
    client, standin, folder, tmp_path, decoded, make_picture, flag
):
    source, out = folder(60), tmp_path / "out"
    os.mkfifo(source / "endless.png")  # so that it cannot end before it is killed
    with standin.rest() as rest, standin.grpc() as grpc_address:
        address = grpc_address if flag else rest
        command = [sys.executable, ROOT / "deploy" / "client.py", source, out, *flag]
        process = subprocess.Popen([*command, f"--server={address}"], stderr=subprocess.DEVNULL)
        timeout = threading.Timer(60, process.kill)
        timeout.start()
        while process.poll() is None and not list(out.rglob("*.png")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        timeout.cancel()
        assert process.wait() == -signal.SIGKILL
        finished = list(out.rglob("*.png"))
        assert finished
        assert all(decoded(path.read_bytes()).shape == (16, 20, 3) for path in finished)
        kind = client.GrpcClient if flag else client.RestClient
        after = kind(address, "cyclegan", "serving_default")
        assert len(after.translate([make_picture()], 60)) == 1
