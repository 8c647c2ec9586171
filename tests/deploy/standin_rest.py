"""The REST interface of the stand-in, as the server's document "RESTful API" describes it."""

import base64
import binascii
import contextlib
import http.server
import json
import re
import threading

import grpc
import numpy as np
from google.protobuf import json_format
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2

_MODEL = r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(_MODEL + ":predict")
_ABOUT = re.compile(_MODEL + "(?P<metadata>/metadata)?")
# By the name of the gRPC status; others are 500.
_HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


@contextlib.contextmanager
def serve(standin, port=0):
    """Serves REST while the block lasts; yields host:port."""
    handler = type("Handler", (_Handler,), {"standin": standin})
    server = _Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # five by default, and more clients at a time are turned away
    daemon_threads = True


class _Handler(http.server.BaseHTTPRequestHandler):
    standin = None

    def do_GET(self):
        if self.path == "/monitoring/prometheus/metrics":
            self._send(200, f":tensorflow:serving:request_count {len(self.standin.batches)}\n")
        else:
            self._reply(_ABOUT, self._about)

    def do_POST(self):
        self._data = self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(_PREDICT, self._predict)

    def _reply(self, path, answer):
        match = path.fullmatch(self.path)
        try:
            if not match:
                raise ValueError(f"Malformed request: {self.command} {self.path}")
            code, body = 200, answer(match)
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            code, body = 400, {"error": str(error)}
        except Exception as refusal:
            # A Refusal; anything else is a defect of the stand-in, and says so.
            status = getattr(refusal, "code", grpc.StatusCode.UNKNOWN)
            code, body = _HTTP.get(status.name, 500), {"error": str(refusal)}
        self._send(code, json.dumps(body, indent=4))

    def _send(self, code, text):
        data = text.encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a client that is gone
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _about(self, match):
        if not match["metadata"]:
            return _fields(self.standin.status(_spec(match)))
        response = self.standin.metadata(_spec(match))
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return {
            "model_spec": _fields(response.model_spec),
            "metadata": {"signature_def": _fields(signatures)},
        }

    def _predict(self, match):
        body = json.loads(self._data)
        rows = "instances" in body
        if rows == ("inputs" in body):
            raise ValueError("Exactly one of 'instances' and 'inputs' is expected")
        spec = _spec(match)
        spec.signature_name = body.get("signature_name", "")
        name = spec.signature_name or "serving_default"
        wanted = self.standin.signature(self.standin.version(spec), name).inputs
        columns = _from_rows(body["instances"], wanted) if rows else body["inputs"]
        if not isinstance(columns, dict):  # of one input the name can be left out
            columns = {next(iter(wanted)): columns}
        if unknown := columns.keys() - wanted.keys():
            raise ValueError(f"JSON object: does not have named input: {sorted(unknown)}")
        inputs = {key: _array(value, wanted[key].dtype) for key, value in columns.items()}
        outputs = self.standin.predict(spec, inputs)
        answer = {key: _json(key, value) for key, value in outputs.items()}
        if len(answer) == 1:  # of one output the name is left out
            (answer,) = answer.values()
        elif rows:
            answer = [
                dict(zip(answer, row, strict=True)) for row in zip(*answer.values(), strict=True)
            ]
        return {"predictions" if rows else "outputs": answer}

    def log_message(self, *_):
        pass


def _fields(message):
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _spec(match):
    spec = model_pb2.ModelSpec(name=match["name"])
    if match["version"]:
        spec.version.value = int(match["version"])
    if match["label"]:
        spec.version_label = match["label"]
    return spec


def _from_rows(instances, wanted):
    if all(isinstance(row, dict) and row.keys() != {"b64"} for row in instances):
        return {name: [row[name] for row in instances] for name in instances[0]}
    if len(wanted) != 1:
        raise ValueError("The signature has several inputs: rows must name them")
    return instances


def _array(value, dtype):
    if dtype == types_pb2.DT_STRING:
        return np.array([base64.b64decode(each["b64"], validate=True) for each in value], object)
    return np.array(value, "float32")


def _json(name, value):
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(each).decode()} for each in value]
    return value.tolist()
