"""A stand-in for TensorFlow Serving, for tests alone: the real server's binary cannot be had here.

It loads an exported SavedModel by TensorFlow's own runtime and answers as the server's documents
and protos say: REST (`:predict` with `instances` or `inputs`, `{"b64": ..}` for bytes, names ending
in `_bytes` encoded on the way out, errors as `{"error": ..}`) and gRPC (`PredictionService`). It
reads the same models.config, with versions and labels. Nothing here is the server's own code, so
what passes here is a promise about the contract, not about the server.
"""

import base64
import contextlib
import http.server
import json
import pathlib
import queue
import re
import threading
from concurrent import futures

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

CODES = {400: grpc.StatusCode.INVALID_ARGUMENT, 404: grpc.StatusCode.NOT_FOUND}
_PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)(/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<verb>:predict)?"
)


class Refusal(Exception):  # noqa: N818, an answer rather than an error
    """An answer that is no translation: an HTTP code and a sentence."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class StandIn:
    """Serves the models of a config.

    Args:
        config: text of a models.config.
        base: folder that takes the place of the config's base paths.
        batch_size: most pictures that requests waiting together are merged to; 1 for no batching.
        failures: this many of the first requests are answered by 503, as while starting.
    """

    def __init__(self, config, base, *, batch_size=1, failures=0):
        self.base, self.batch_size, self.failures = pathlib.Path(base), batch_size, failures
        self.loaded, self.batches = {}, []
        self._queue = queue.Queue()
        self.configure(config)
        threading.Thread(target=self._work, daemon=True).start()

    def configure(self, config):
        """Takes up a new config, as the server does when the file changes."""
        parsed = text_format.Parse(config, model_server_config_pb2.ModelServerConfig())
        (model,) = parsed.model_config_list.config
        for version in model.model_version_policy.specific.versions:
            if version not in self.loaded:
                self.loaded[version] = tf.saved_model.load(str(self.base / str(version)))
        self.name, self.labels = model.name, dict(model.version_labels)
        self.versions = list(model.model_version_policy.specific.versions)

    def predict(self, model, version, label, signature, inputs):
        """Answers {name: array} for {name: array}."""
        if self.failures:
            self.failures -= 1
            raise Refusal(503, "the model is not ready yet")
        if model != self.name:
            raise Refusal(404, f"Servable not found for request: Latest({model})")
        if label and label not in self.labels:
            raise Refusal(400, f"Unrecognized servable version label: {label}")
        chosen = self.labels[label] if label else version or max(self.versions)
        if chosen not in self.versions:
            raise Refusal(404, f"Servable not found for request: Specific({model}, {chosen})")
        signatures = self.loaded[chosen].signatures
        if signature not in signatures:
            raise Refusal(400, f'Serving signature key "{signature}" not found.')
        waiting = futures.Future()
        self._queue.put((chosen, signature, inputs, waiting))
        return waiting.result()

    def _work(self):
        """Merges requests for one signature along the first dimension, as the batcher does."""
        while True:
            batch = [self._queue.get()]
            while sum(len(next(iter(b[2].values()))) for b in batch) < self.batch_size:
                try:
                    batch.append(self._queue.get(timeout=0.02))
                except queue.Empty:
                    break
            for kind in dict.fromkeys(each[:2] for each in batch):
                self._run(kind, [each for each in batch if each[:2] == kind])

    def _run(self, kind, batch):
        version, signature = kind
        merged = {n: np.concatenate([each[2][n] for each in batch]) for n in batch[0][2]}
        sizes = [len(next(iter(each[2].values()))) for each in batch]
        self.batches.append(sum(sizes))
        try:
            tensors = {name: tf.constant(value) for name, value in merged.items()}
            outputs = self.loaded[version].signatures[signature](**tensors)
            for (*_, waiting), start, size in zip(
                batch, np.cumsum([0, *sizes[:-1]]), sizes, strict=True
            ):
                part = {name: out.numpy()[start : start + size] for name, out in outputs.items()}
                waiting.set_result(part)
        except (tf.errors.OpError, TypeError, ValueError) as error:
            for *_, waiting in batch:  # the whole batch fails, as it does in the server
                waiting.set_exception(Refusal(400, str(error)))

    @contextlib.contextmanager
    def rest(self, port=0):
        """Serves REST while the block lasts; yields host:port."""
        handler = type("Handler", (_Handler,), {"server_of_models": self})
        server = _Server(("127.0.0.1", port), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()

    @contextlib.contextmanager
    def grpc(self):
        """Serves gRPC while the block lasts; yields host:port."""
        server = grpc.server(futures.ThreadPoolExecutor(40))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Service(self), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # five by default, and more clients at a time are turned away


class _Handler(http.server.BaseHTTPRequestHandler):
    server_of_models = None

    def do_GET(self):
        match = _PATH.fullmatch(self.path)
        if not match or match["model"] != self.server_of_models.name:
            return self._answer(404, {"error": f"Malformed request: GET {self.path}"})
        ok = {"error_code": "OK", "error_message": ""}
        states = [
            {"version": str(version), "state": "AVAILABLE", "status": ok}
            for version in self.server_of_models.versions
        ]
        return self._answer(200, {"model_version_status": states})

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            self._answer(200, self._predict(data))
        except Refusal as refusal:
            self._answer(refusal.code, {"error": str(refusal)})

    def _predict(self, data):
        match = _PATH.fullmatch(self.path)
        if not match or not match["verb"]:
            raise Refusal(400, f"Malformed request: POST {self.path}")
        try:
            body = json.loads(data)
        except ValueError as error:
            raise Refusal(400, "JSON Parse error") from error
        rows = "instances" in body
        if rows == ("inputs" in body):
            raise Refusal(400, "Exactly one of 'instances' and 'inputs' is expected")
        signature = body.get("signature_name", "serving_default")
        inputs = _from_rows(body["instances"]) if rows else body["inputs"]
        arrays = {name: _array(value) for name, value in inputs.items()}
        version = int(match["version"]) if match["version"] else None
        outputs = self.server_of_models.predict(
            match["model"], version, match["label"], signature, arrays
        )
        told = {name: [_json(name, v) for v in value] for name, value in outputs.items()}
        (name,) = told  # of one output the name is left out
        return {"predictions" if rows else "outputs": told[name]}

    def _answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a client that is gone
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def _from_rows(instances):
    names = instances[0].keys() - {"b64"} if isinstance(instances[0], dict) else ()
    if names:
        return {name: [row[name] for row in instances] for name in names}
    return {"bytes_inputs": instances}


def _array(value):
    if value and isinstance(value[0], dict):
        return np.array([base64.b64decode(each["b64"]) for each in value], object)
    return np.array(value, "float32")


def _json(name, value):
    if name.endswith("_bytes"):
        return {"b64": base64.b64encode(value).decode()}
    return value.tolist()


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models):
        self._models = models

    def Predict(self, request, context):  # noqa: N802, the protocol's name
        spec = request.model_spec
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        try:
            outputs = self._models.predict(
                spec.name,
                spec.version.value or None,
                spec.version_label,
                spec.signature_name or "serving_default",
                inputs,
            )
        except Refusal as refusal:
            code = CODES.get(refusal.code, grpc.StatusCode.UNAVAILABLE)
            context.abort(code, str(refusal))
        response = predict_pb2.PredictResponse()
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response
