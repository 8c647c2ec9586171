import functools
import hashlib
import http.server
import json
import threading
import zlib

import numpy as np
import pytest
from conftest import ROOT

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics import inception

GOLDEN = np.load(ROOT / "tests/golden/inception.npz")


def _weights(key, shape):
    """As the recorded network had them: random, but given by the key."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    kind = key.rpartition(".")[2]
    if kind == "running_var" or (kind == "weight" and len(shape) == 1):
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
    return (rng.standard_normal(shape) * scale).astype("float32")


@pytest.fixture(scope="module")
def network():
    shapes = json.loads(str(GOLDEN["shapes"]))
    return inception.inception({key: _weights(key, shape) for key, shape in shapes.items()})


@pytest.fixture(scope="module")
def outputs(network):
    scaled = 2 * (GOLDEN["pictures"].astype("float32") / 255) - 1
    return {name: np.asarray(value) for name, value in network(scaled).items()}


@pytest.mark.slow
def test_equals_the_recording_of_pytorch_fid(outputs):
    np.testing.assert_allclose(outputs["features"], GOLDEN["features"], atol=1e-4)
    for number, name in enumerate(("pool_1", "pool_2", "Mixed_6e")):
        mean_and_deviation = [outputs[name].mean((1, 2)), outputs[name].std((1, 2))]
        np.testing.assert_allclose(mean_and_deviation, GOLDEN[f"map_{number}"], atol=1e-4)


def test_resized_as_pytorch_fid_does(network):
    resized = inception.resize(GOLDEN["pictures"])
    assert resized.shape == (2, 299, 299, 3)
    np.testing.assert_allclose(resized[0, ::40, ::40], GOLDEN["resized"], atol=1e-6)
    features = network(resized[:1])["features"][0]
    np.testing.assert_allclose(features, GOLDEN["features_299"], atol=1e-4)


def test_counts(network, outputs):
    """keras.applications' has 21,802,784 without its top; its 17,216 channels lack a scale."""
    assert network.count_params() == 21_802_784 + 17_216
    assert outputs["features"].shape == (2, 2048)
    assert outputs["Mixed_5d"].shape[3] == 288
    assert outputs["Mixed_7c"].shape[3] == 2048


@pytest.fixture
def server(tmp_path):
    """Serves a folder as a release page would; yields (folder, url)."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        threading.Thread(target=http_server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{http_server.server_address[1]}/{inception.FILE}"
        http_server.shutdown()


def test_weights_are_downloaded_once(server, tmp_path, monkeypatch):
    folder, url = server
    (folder / inception.FILE).write_bytes(b"weights")
    monkeypatch.setattr(inception, "_DIGEST", hashlib.sha256(b"weights").hexdigest()[:8])
    path = inception.find_weights(url=url, folder=str(tmp_path))
    assert path.read_bytes() == b"weights"
    (folder / inception.FILE).unlink()
    assert inception.find_weights(url=url, folder=str(tmp_path)) == path
    assert inception.find_weights(path) == path


def test_without_a_network(server, tmp_path):
    _, url = server  # which has no such file
    with pytest.raises(MetricError, match=r"cannot be downloaded \(.*404.*give its path, or"):
        inception.find_weights(url=url, folder=str(tmp_path))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "other.pth").write_bytes(b"weights")
    with pytest.raises(MetricError, match="SHA-256 begins with"):
        inception.find_weights(tmp_path / "other.pth")
    with pytest.raises(MetricError, match="is not a file"):
        inception.find_weights(tmp_path / "missing.pth")
