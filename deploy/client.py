"""Translates pictures with a TensorFlow Serving server.

    python deploy/client.py horse.jpg zebra.png
    python deploy/client.py horses/ zebras/ --parallel=8
    python deploy/client.py horse.jpg zebra.png --grpc --server=localhost:8500
    python deploy/client.py horse.jpg zebra.png --server=https://translate.example.org

REST needs only the standard library, so this single file can be copied anywhere. gRPC needs
`pip install tensorflow-serving-api`.
"""

import argparse
import base64
import concurrent.futures
import http.client
import json
import pathlib
import random
import re
import sys
import time
import urllib.error
import urllib.request

ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp")
PAUSE = 0.2  # seconds before the first retry; it doubles each time
LONGEST_PAUSE = 5.0
# Too busy, starting, or missing behind its proxy: the codes of HTTP and of gRPC.
PASSING_CODES = (408, 429, 502, 503, 504)
PASSING_STATUS = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED")


class ServerError(RuntimeError):
    """An answer of the server, or of the network, that is no picture."""

    def __init__(self, message: str, *, may_pass: bool):
        super().__init__(message)
        self.may_pass = may_pass  # whether the same request may succeed later


class RestClient:
    """Speaks the server's REST interface.

    Args:
        server: host:port, or an address that begins with https://.
        model: name of the model.
        signature: the direction, `serving_default`, `a_to_b` or `b_to_a`.
        label: version label, such as `stable`; the newest version when empty.
    """

    def __init__(self, server: str, model: str, signature: str, label: str = ""):
        version = f"/labels/{label}" if label else ""
        address = server.rstrip("/") if "://" in server else f"http://{server}"
        self._url = f"{address}/v1/models/{model}{version}:predict"
        self._signature = signature

    def translate(self, pictures: list[bytes], timeout: float) -> list[bytes]:
        """Returns the PNG files for picture files; `timeout` in seconds."""
        encoded = [{"b64": base64.b64encode(picture).decode()} for picture in pictures]
        body = {"signature_name": self._signature, "inputs": {"bytes_inputs": encoded}}
        try:
            request = urllib.request.Request(
                self._url, json.dumps(body).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                data = answer.read()
            return [base64.b64decode(output["b64"]) for output in json.loads(data)["outputs"]]
        except urllib.error.HTTPError as error:
            raise ServerError(_reason(error), may_pass=error.code in PASSING_CODES) from error
        except (ValueError, KeyError, TypeError, http.client.InvalidURL) as error:
            message = f"{self._url} is no TensorFlow Serving, or not this model: {error!r}"
            raise ServerError(message, may_pass=False) from error
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"no answer from {self._url}: {error}", may_pass=True) from error


class GrpcClient:
    """Speaks the server's gRPC interface; arguments as for `RestClient`."""

    def __init__(self, server: str, model: str, signature: str, label: str = ""):
        try:
            import grpc
            from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
        except ImportError as error:
            raise SystemExit(
                "client.py: --grpc needs `pip install tensorflow-serving-api`."
            ) from error
        options = [
            ("grpc.max_send_message_length", 256 * 2**20),
            ("grpc.max_receive_message_length", 256 * 2**20),
            # The default of two minutes is longer than this program waits for a server to start.
            ("grpc.max_reconnect_backoff_ms", int(LONGEST_PAUSE * 1000)),
        ]
        scheme, _, address = server.rpartition("://")
        if scheme == "https":
            channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(), options)
        else:
            channel = grpc.insecure_channel(address, options)
        self._grpc, self._protos = grpc, predict_pb2
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._model, self._signature, self._label = model, signature, label

    def translate(self, pictures: list[bytes], timeout: float) -> list[bytes]:
        """Returns the PNG files for picture files; `timeout` in seconds."""
        request = self._protos.PredictRequest()
        request.model_spec.name = self._model
        request.model_spec.signature_name = self._signature
        if self._label:
            request.model_spec.version_label = self._label
        tensor = request.inputs["bytes_inputs"]
        tensor.dtype = 7  # DT_STRING
        tensor.tensor_shape.dim.add().size = len(pictures)
        tensor.string_val.extend(pictures)
        try:
            answer = self._stub.Predict(request, timeout=timeout)
        except self._grpc.RpcError as error:
            status = error.code().name
            message = f"{status}: {_sentence(error.details() or '')}"
            raise ServerError(message, may_pass=status in PASSING_STATUS) from error
        return list(answer.outputs["image_bytes"].string_val)


def translate_patiently(client, pictures: list[bytes], deadline: float) -> list[bytes]:
    """Translates, and retries temporary errors with growing pauses, for `deadline` seconds in all.

    Raises:
        ServerError: the server refuses the pictures, or the time is up.
    """
    end = time.monotonic() + deadline
    pause = PAUSE
    while True:
        try:
            return client.translate(pictures, max(end - time.monotonic(), 0.001))
        except ServerError as error:
            # Random, so that clients that failed together do not all retry together.
            wait = pause * random.uniform(0.5, 1.5)
            if not error.may_pass:
                raise
            if time.monotonic() + wait > end:
                message = f"{error} (given up after {deadline:g} s)"
                raise ServerError(message, may_pass=True) from error
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)


def jobs(source: pathlib.Path, target: pathlib.Path) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Returns (picture, file to write) for one picture, or for all in a folder tree."""
    if source.is_file():
        return [(source, target)]
    if not source.is_dir():
        raise SystemExit(f"client.py: {source} does not exist.")
    paths = sorted(
        p
        for p in source.rglob("*")
        if p.suffix.lower() in ENDINGS
        # Translations of an earlier call inside the source folder are not translated.
        and (source == target or target not in p.parents)
    )
    if not paths:
        raise SystemExit(f"client.py: {source} holds no pictures ({', '.join(ENDINGS)}).")
    # The old ending stays in the name: a.jpg and a.png are two pictures.
    return [(p, target / p.relative_to(source).with_name(f"{p.name}.png")) for p in paths]


def translate_file(client, source: pathlib.Path, target: pathlib.Path, deadline: float) -> str:
    """Translates one file; returns what went wrong, or an empty string."""
    try:
        (answer,) = translate_patiently(client, [source.read_bytes()], deadline)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(answer)
        partial.replace(target)
    except (ServerError, OSError) as error:
        return f"{source}: {error}"
    return ""


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        text = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        text = text or error.reason
    return f"HTTP {error.code}: {_sentence(text)}"


def _sentence(text: str) -> str:
    """Leaves out the part of the graph in which the error occurred."""
    said = re.search(r"assertion failed: \[(.*?)\]", text)
    text = said[1] if said else text.partition("[[{{node")[0]
    return " ".join(text.split())[:300]


def translate_all(client, todo, options) -> int:
    """Translates the jobs in parallel and shows progress; returns how many failed."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max(options.parallel, 1)) as pool:
        try:
            work = [pool.submit(translate_file, client, *job, options.deadline) for job in todo]
            for done, future in enumerate(concurrent.futures.as_completed(work), 1):
                if problem := future.result():
                    failed += 1
                    print(f"client.py: {problem}", file=sys.stderr)
                if len(todo) > 1:
                    print(f"\r{done} of {len(todo)}", end="", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            print("\nStopping after the pictures in progress.", file=sys.stderr)
            raise
    if len(todo) > 1:
        print(f"\n{len(todo) - failed} translated, {failed} failed", file=sys.stderr)
    return failed


def main(argv: list[str]) -> int:
    """Returns 0 when every picture was translated, 1 otherwise, 130 when interrupted."""
    options = _parser().parse_args(argv)
    server = options.server or ("localhost:8500" if options.grpc else "localhost:8501")
    kind = GrpcClient if options.grpc else RestClient
    client = kind(server, options.model, options.signature, options.label)
    try:
        return 1 if translate_all(client, jobs(options.source, options.target), options) else 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("source", type=pathlib.Path, help="a picture or a folder of pictures")
    parser.add_argument("target", type=pathlib.Path, help="the PNG file or folder to write")
    parser.add_argument("--server", help="host:port or https://...; localhost:8501 (gRPC: 8500)")
    parser.add_argument("--model", default="cyclegan", help="name of the model on the server")
    parser.add_argument("--signature", default="serving_default", help="a_to_b, b_to_a, ...")
    parser.add_argument("--label", default="", help="version label, such as stable")
    parser.add_argument("--grpc", action="store_true", help="speak gRPC instead of REST")
    parser.add_argument("--parallel", type=int, default=4, help="pictures in progress at a time")
    parser.add_argument("--deadline", type=float, default=120.0, help="seconds for each picture")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
