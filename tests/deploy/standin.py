"""A stand-in for TensorFlow Serving, for tests alone: the real server's binary cannot be had here.

It reads a models.config by the official protos, loads and runs exported SavedModels by TensorFlow's
C API (`c_api`: the loader and the sessions that the server has too), and answers as the server's
documents and protos say; `standin_rest` and `standin_grpc` are its two interfaces. As a program,
`python -m deploy.standin_alone`, it runs without TensorFlow's Python. Nothing around the model is
the server's own code, neither its batching nor its parsing of requests: what passes here is a
promise about the model and the contract, not about the server.
"""

import argparse
import contextlib
import functools
import json
import pathlib
import queue
import sys
import threading
import time
from concurrent import futures

import grpc
import numpy as np
from google.protobuf import text_format
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2
from tensorflow_serving.config import model_server_config_pb2

from deploy import c_api, standin_grpc, standin_rest

# Codes of TensorFlow and of gRPC are the same numbers.
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Refusal(Exception):  # noqa: N818, an answer rather than an error
    """An answer that is no translation: a gRPC status code and a sentence."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = grpc.StatusCode[code] if isinstance(code, str) else _CODES[code]


class StandIn:
    """Serves the model of a config.

    Args:
        config: text of a models.config.
        base: folder that takes the place of the config's base path.
        batch_size: most pictures that requests waiting together are merged to; 1 for no batching.
        patience: seconds that an unfilled batch waits for the next request.
        failures: this many of the first requests are answered by UNAVAILABLE.
    """

    def __init__(self, config, base, *, batch_size=1, patience=0.02, failures=0):
        self.base, self.batch_size, self.failures = pathlib.Path(base), batch_size, failures
        self.patience = patience
        self.loaded, self.labels, self.batches = {}, {}, []
        self._queue = queue.Queue()
        self.configure(config)
        threading.Thread(target=self._work, daemon=True).start()

    def configure(self, config):
        """Takes up a new config, as the server does when the file changes."""
        parsed = text_format.Parse(config, model_server_config_pb2.ModelServerConfig())
        (model,) = parsed.model_config_list.config
        versions = list(model.model_version_policy.specific.versions)
        for label, version in model.version_labels.items():
            if label in self.labels and version not in self.loaded:
                raise Refusal("FAILED_PRECONDITION", f"{label} -> {version}, which is not loaded")
        self.loaded = {version: _version(self.base / str(version)) for version in versions}
        self.name, self.labels = model.name, dict(model.version_labels)

    def predict(self, spec, inputs):
        """Answers {name: array} for a ModelSpec and {name: array}."""
        if self.failures:
            self.failures -= 1
            raise Refusal("UNAVAILABLE", "not yet")
        version, signature = self.version(spec), spec.signature_name or "serving_default"
        self.signature(version, signature)
        waiting = futures.Future()
        self._queue.put((version, signature, inputs, waiting))
        return waiting.result()

    def version(self, spec):
        """Returns the number of the version that a ModelSpec means."""
        message = f"Servable not found for request: {spec.name}"
        if spec.name != self.name or not self.loaded:
            raise Refusal("NOT_FOUND", message)
        if label := spec.version_label:
            if label not in self.labels:
                raise Refusal("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
            return self.labels[label]
        version = spec.version.value if spec.HasField("version") else max(self.loaded)
        if version not in self.loaded:
            raise Refusal("NOT_FOUND", f"{message} {version}")
        return version

    def signature(self, version, name):
        """Returns the SignatureDef of that name."""
        signatures = self.loaded[version].signatures
        if name not in signatures:
            raise Refusal("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
        return signatures[name]

    def status(self, spec):
        """Returns a GetModelStatusResponse."""
        if spec.name != self.name:
            message = f"Could not find any versions of model {spec.name}"
            raise Refusal("NOT_FOUND", message)
        chosen = spec.HasField("version") or spec.version_label
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in [self.version(spec)] if chosen else sorted(self.loaded, reverse=True):
            state = response.model_version_status.add(version=version)
            state.state = state.State.AVAILABLE
            state.status.error_code = 0
        return response

    def metadata(self, spec):
        """Returns a GetModelMetadataResponse."""
        version = self.version(spec)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in self.loaded[version].signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = self.name
        response.model_spec.version.value = version
        response.metadata["signature_def"].Pack(signatures)
        return response

    def rest(self, port=0):
        """Serves REST while the block lasts; yields host:port."""
        return standin_rest.serve(self, port)

    def grpc(self, port=0):
        """Serves gRPC while the block lasts; yields host:port."""
        return standin_grpc.serve(self, port)

    def _work(self):
        """Merges requests for one signature along the first dimension, as the batcher does."""
        while True:
            batch = [self._queue.get()]
            while sum(len(next(iter(b[2].values()))) for b in batch) < self.batch_size:
                try:
                    batch.append(self._queue.get(timeout=self.patience))
                except queue.Empty:
                    break
            for kind in dict.fromkeys(each[:2] for each in batch):
                self._run(kind, [each[2:] for each in batch if each[:2] == kind])

    def _run(self, kind, batch):
        version, signature = kind
        try:
            merged = {n: np.concatenate([inputs[n] for inputs, _ in batch]) for n in batch[0][0]}
            sizes = [len(next(iter(inputs.values()))) for inputs, _ in batch]
            self.batches.append(sum(sizes))
            outputs = self.loaded[version].run(signature, merged)
            ends = np.cumsum(sizes)
            for (_, waiting), start, end in zip(batch, ends - sizes, ends, strict=True):
                waiting.set_result({name: out[start:end] for name, out in outputs.items()})
        except Exception as error:
            is_status = isinstance(error, c_api.TensorFlowError)
            code = error.code if is_status else "INVALID_ARGUMENT"
            for _, waiting in batch:  # all of the batch, as in the server
                waiting.set_exception(Refusal(code, str(error)))


@functools.cache
def _version(folder):
    """Returns a version, once: its first runs take seconds, and any stand-in can share it."""
    return _Version(folder)


class _Version:
    """One loaded version: a session and the signatures."""

    def __init__(self, folder):
        self._model = c_api.SavedModel(folder)
        meta_graph = meta_graph_pb2.MetaGraphDef.FromString(self._model.meta_graph)
        self.signatures = meta_graph.signature_def

    def run(self, name, inputs):
        signature = self.signatures[name]
        if missing := signature.inputs.keys() - inputs.keys():
            raise ValueError(f"Request inputs lack {sorted(missing)}")
        feed = {signature.inputs[key].name: value for key, value in inputs.items()}
        fetch = [info.name for info in signature.outputs.values()]
        return dict(zip(signature.outputs, self._model.run(feed, fetch), strict=True))


def main():
    """Serves as a program, taking up changes of the config, until it is killed.

    Prints first, as a line of JSON, its addresses and which modules are imported.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=pathlib.Path, required=True)
    parser.add_argument("--base", type=pathlib.Path, required=True)
    parser.add_argument("--rest_port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--grpc_port", type=int, default=0)
    options = parser.parse_args()
    standin = StandIn(options.config.read_text(), options.base)
    with standin.rest(options.rest_port) as rest, standin.grpc(options.grpc_port) as grpc_address:
        modules = sorted(name for name, module in sys.modules.items() if module)
        about = {"rest": rest, "grpc": grpc_address, "modules": modules}
        sys.stdout.write(json.dumps(about) + "\n")
        sys.stdout.flush()
        while True:
            time.sleep(0.2)
            with contextlib.suppress(Refusal, OSError, text_format.ParseError):
                standin.configure(options.config.read_text())
