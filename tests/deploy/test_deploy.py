"""The files of deploy/ against the server's protos, its client against a stand-in of the server.

The stand-in follows the server's documents; deploy/smoke.sh asks the real server.
"""

import base64
import concurrent.futures
import importlib.util
import io
import json
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
from PIL import Image

pytest.importorskip("tensorflow_serving")
pytest.importorskip("grpc")

from deploy.standin import StandIn
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from tensorflow_serving.config import model_server_config_pb2

from cyclegan_keras.export.base import translate_any_size
from cyclegan_keras.export.saved_model import export_saved_model
from cyclegan_keras.models import ResNetGenerator

DEPLOY = ROOT / "deploy"
CONFIG = (DEPLOY / "models.config").read_text()


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


client = _module(DEPLOY / "client.py")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two versions on disk, and the generators of the first."""
    base = tmp_path_factory.mktemp("cyclegan")
    generators = {}
    for version in (1, 2):
        made = {w: ResNetGenerator(ngf=2, n_blocks=1, init_gain=0.1) for w in ("a_to_b", "b_to_a")}
        export_saved_model(
            made, base / str(version), description={}, max_image_pixels=4000, warmup_size=8
        )
        generators[version] = made
    return base, generators


@pytest.fixture(scope="module")
def standin(models):
    return StandIn(CONFIG, models[0])


@pytest.fixture(params=["rest", "grpc"])
def server(request, standin):
    """(make a client, address) for each of both interfaces."""
    kind, serve = {
        "rest": (client.RestClient, standin.rest),
        "grpc": (client.GrpcClient, standin.grpc),
    }[request.param]
    with serve() as address:
        yield lambda signature="serving_default", **kwargs: kind(
            address, "cyclegan", signature, **kwargs
        )


def picture(height=16, width=20, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype("uint8")
    return values


def encoded(image, form="PNG"):
    file = io.BytesIO()
    Image.fromarray(image).save(file, form)
    return file.getvalue()


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


def test_models_config_is_the_servers():
    (model,) = text_format.Parse(
        CONFIG, model_server_config_pb2.ModelServerConfig()
    ).model_config_list.config
    assert (model.name, model.base_path) == ("cyclegan", "/models/cyclegan")
    assert model.version_labels["stable"] in model.model_version_policy.specific.versions


def message(fields):
    """Makes a message type of {name: (number, type, repeated)}; a dict is a message in it."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{id(fields)}.proto", package=f"p{id(fields)}")

    def add(name, fields):
        described = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            label = 3 if isinstance(kind, list) else 1
            kind = kind[0] if isinstance(kind, list) else kind
            added = described.field.add(name=field, number=number, label=label)
            if isinstance(kind, dict):
                added.type, added.type_name = 11, f".{file.package}.{field}"
                add(field, kind)
            else:
                added.type = {"int": 3, "bool": 8, "string": 9}[kind]

    add("Top", fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.Top"))


def test_the_other_text_protos_have_the_documented_fields():
    """The package of protos lacks these two, so their documented fields are repeated here."""
    batching = {
        name: {"value": "int"}
        for name in ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
    }
    batching |= {"num_batch_threads": {"value": "int"}, "allowed_batch_sizes": ["int"]}
    parameters = text_format.Parse(
        (DEPLOY / "batching_parameters.txt").read_text(), message(batching)()
    )
    assert list(parameters.allowed_batch_sizes)[-1] == parameters.max_batch_size.value
    monitoring = text_format.Parse(
        (DEPLOY / "monitoring.config").read_text(),
        message({"prometheus_config": {"enable": "bool", "path": "string"}})(),
    )
    assert monitoring.prometheus_config.enable


@pytest.mark.parametrize("direction", ["a_to_b", "b_to_a"])
def test_a_picture_in_a_picture_out(direction, server, models):
    image = picture(13, 21)
    (answer,) = server(direction).translate([encoded(image)], 60)
    expected = np.round((translate_any_size(models[1][1][direction], image) + 1) * 127.5)
    assert np.abs(decoded(answer) - expected).max() <= 1


def test_a_batch_of_mixed_sizes_and_formats(server):
    sizes = [(16, 20), (9, 33), (40, 12)]
    files = [encoded(picture(*s), f) for s, f in zip(sizes, ("PNG", "JPEG", "BMP"), strict=True)]
    answers = server().translate(files, 60)
    assert [decoded(answer).shape[:2] for answer in answers] == sizes


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"no picture", "Picture 1 is no JPEG, PNG, GIF or BMP file"),
        (encoded(picture(80, 60)), "Picture 1 has 4800 pixels, expected 1 to 4000"),
        (encoded(picture())[:300], "Invalid PNG data"),
    ],
)
def test_a_bad_picture_is_refused_once_with_the_reason(bad, words, server):
    start = time.monotonic()
    with pytest.raises(client.ServerError, match=words) as refused:
        client.translate_patiently(server(), [encoded(picture()), bad], 60)
    assert not refused.value.may_pass
    assert time.monotonic() - start < 30
    assert ("400" in str(refused.value)) or ("INVALID_ARGUMENT" in str(refused.value))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"signature": "c_to_d"}, "signature"),
        ({"label": "canary"}, "label"),
    ],
)
def test_what_the_server_does_not_have(arguments, words, server):
    with pytest.raises(client.ServerError, match=words):
        server(**arguments).translate([encoded(picture())], 60)


@pytest.mark.slow
def test_32_clients_at_a_time_each_get_their_own(server):
    files = [encoded(picture(12, 16, seed)) for seed in range(32)]
    alone = {file: server().translate([file], 60)[0] for file in files[:4]}
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda file: server().translate([file], 60)[0], files))
    assert len(set(answers)) == 32
    for file, answer in alone.items():
        assert answers[files.index(file)] == answer


@pytest.mark.slow
def test_requests_that_are_batched_get_their_own_part(models):
    batching = StandIn(CONFIG, models[0], batch_size=4)
    files = [encoded(picture(8 + 4 * n, 12, n)) for n in range(8)]
    with batching.rest() as address, concurrent.futures.ThreadPoolExecutor(8) as pool:
        rest = client.RestClient(address, "cyclegan", "serving_default")
        answers = list(pool.map(lambda file: rest.translate([file], 60)[0], files))
    assert max(batching.batches) > 1
    assert [decoded(answer).shape[0] for answer in answers] == [8 + 4 * n for n in range(8)]


def test_version_labels_roll_forward_and_back(models):
    moving = StandIn(CONFIG, models[0])
    both = CONFIG.replace("versions: 1", "versions: 1 versions: 2")
    file = [encoded(picture())]
    with moving.rest() as address:
        ask = client.RestClient(address, "cyclegan", "serving_default", "stable").translate
        (first,) = ask(file, 60)
        moving.configure(both.replace("value: 1", "value: 2"))
        (second,) = ask(file, 60)
        moving.configure(both)
        assert ask(file, 60) == [first] != [second]


def test_a_server_that_comes_late_is_waited_for(models):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rest = client.RestClient(f"127.0.0.1:{port}", "cyclegan", "serving_default")
    late = StandIn(CONFIG, models[0], failures=2)
    done = threading.Event()

    def serve():
        time.sleep(0.5)
        with late.rest(port):
            done.wait(30)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        (answer,) = client.translate_patiently(rest, [encoded(picture())], 30)
    finally:
        done.set()
        thread.join()
    assert decoded(answer).shape == (16, 20, 3)


def test_a_server_that_never_comes_ends_at_the_deadline():
    rest = client.RestClient("127.0.0.1:9", "cyclegan", "serving_default")
    start = time.monotonic()
    with pytest.raises(client.ServerError, match="no answer from"):
        client.translate_patiently(rest, [encoded(picture())], 1.0)
    assert time.monotonic() - start < 5


def test_rest_speaks_rows_too(standin):
    """As curl users write it: a row an instance."""
    b64 = {"b64": base64.b64encode(encoded(picture())).decode()}
    with standin.rest() as address:
        for instances in ([b64, b64], [{"bytes_inputs": b64}]):
            body = json.dumps({"instances": instances}).encode()
            url = f"http://{address}/v1/models/cyclegan:predict"
            with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as answer:
                predictions = json.load(answer)["predictions"]
            assert len(predictions) == len(instances)
            assert decoded(base64.b64decode(predictions[0]["b64"])).shape == (16, 20, 3)
        with urllib.request.urlopen(f"http://{address}/v1/models/cyclegan") as answer:
            assert json.load(answer)["model_version_status"][0]["state"] == "AVAILABLE"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{address}/v1/models/other")


def folder_of(tmp_path, count):
    for index in range(count):
        path = tmp_path / "in" / ("sub" if index % 2 else ".") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture(seed=index)))
    return tmp_path / "in"


def test_a_folder_in_parallel_with_one_bad_picture(standin, tmp_path, capsys):
    source = folder_of(tmp_path, 5)
    (source / "bad.jpg").write_bytes(b"no picture")
    with standin.rest() as address:
        assert client.main([str(source), str(tmp_path / "out"), f"--server={address}"]) == 1
    err = capsys.readouterr().err
    assert "bad.jpg: HTTP 400" in err
    assert "5 translated, 1 failed" in err
    written = {
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")
    }
    assert written == {"0.png.png", "2.png.png", "4.png.png", "sub/1.png.png", "sub/3.png.png"}


@pytest.mark.slow
def test_a_client_killed_in_the_middle_leaves_the_server_serving(standin, tmp_path):
    source = folder_of(tmp_path, 60)
    with standin.rest() as address:
        command = [sys.executable, DEPLOY / "client.py", source, tmp_path / "out"]
        process = subprocess.Popen([*command, f"--server={address}"], stderr=subprocess.DEVNULL)
        while not list((tmp_path / "out").rglob("*.png")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        finished = list((tmp_path / "out").rglob("*.png"))
        assert all(decoded(path.read_bytes()).shape == (16, 20, 3) for path in finished)
        rest = client.RestClient(address, "cyclegan", "serving_default")
        assert len(rest.translate([encoded(picture())], 60)) == 1


def test_missing_sources_are_sentences(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, words in (("gone", "does not exist"), ("empty", "holds no pictures")):
        with pytest.raises(SystemExit, match=words):
            client.main([str(tmp_path / name), str(tmp_path / "out")])
