"""Translates pictures with a TensorFlow Serving server.

    python deploy/client.py horse.jpg zebra.png
    python deploy/client.py horses/ zebras/ --parallel=8
    python deploy/client.py horse.jpg zebra.png --grpc --server=localhost:8500
    python deploy/client.py horse.jpg zebra.png --server=https://translate.example.org

REST needs only the standard library, so this single file can be copied anywhere. gRPC needs
`pip install tensorflow-serving-api`.

In a folder, pictures are told by their first bytes, whatever they are called, and a line says what
was passed over. JPEG, PNG, GIF and BMP files are sent as they are. What the server does not decode
(WebP, TIFF, HEIC, AVIF, JPEG 2000, CMYK, transparent GIFs, color profiles with tables) is made a
PNG first where Pillow is installed (`pip install pillow`), and passed over or reported otherwise.
"""

import argparse
import base64
import collections
import concurrent.futures
import functools
import http.client
import io
import json
import pathlib
import random
import re
import sys
import time
import urllib.error
import urllib.request
import zlib

# How kinds of files begin: (first byte, bytes, kind). Of several that fit, the first one counts.
KINDS = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (8, b"WEBP", "WebP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypmsf1", "HEIC"),
    (4, b"ftypavi", "AVIF"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x93NUMPY", "NumPy array"),
    (128, b"DICM", "DICOM"),
    (0, b"%PDF", "PDF"),
    (4, b"ftyp", "video"),
    (0, b"\x1a\x45\xdf\xa3", "video"),
    (8, b"AVI ", "video"),
    (0, b"PK\x03\x04", "archive"),
    (0, b"\x1f\x8b", "archive"),
)
LONGEST_PROFILE = 2**22  # bytes
START = 512  # bytes of a file that are looked at
SENT = ("JPEG", "PNG", "GIF", "BMP")  # what the server decodes
CONVERTED = ("WebP", "TIFF", "HEIC", "AVIF", "JPEG 2000")  # what Pillow may be able to
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
            cause = getattr(error, "reason", error)
            said = getattr(cause, "strerror", None) or cause
            message = f"no answer from {self._url}: {said}. Is it running, and is --server right?"
            raise ServerError(message, may_pass=True) from error


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
            _say_once(f"client.py: {error} Trying again for {deadline:g} s.")
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)


def kind_of(start: bytes) -> str:
    """Returns the kind of a file by its first bytes, such as "JPEG", "text" or "unknown"."""
    if not start:
        return "empty"
    for position, magic, kind in KINDS:
        if start[position : position + len(magic)] == magic:
            return kind
    return "unknown" if b"\0" in start else "text"


@functools.cache
def _say_once(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def jobs(source: pathlib.Path, target: pathlib.Path) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Returns (picture, file to write) for one picture, or for all in a folder tree.

    Of a folder it says in one line how many files of which kinds are passed over. Hidden files do
    not count.
    """
    if source.is_file():
        kind = _kind_of_file(source)
        advice = _advice(kind)
        if advice is not None:
            raise SystemExit(f"client.py: {source} is {kind}, which is not sent{advice}.")
        return [(source, target)]
    if not source.is_dir():
        raise SystemExit(f"client.py: {source} does not exist.")
    paths = []
    passed_over: collections.Counter[str] = collections.Counter()
    for path in sorted(source.rglob("*")):
        below = path.relative_to(source).parts
        if path.is_dir() or any(name.startswith(".") or name == "__MACOSX" for name in below):
            continue
        # Translations of an earlier call inside the source folder are not translated.
        if source != target and target in path.parents:
            continue
        kind = _kind_of_file(path)
        advice = _advice(kind)
        if advice is None:
            paths.append(path)
        else:
            passed_over[f"{kind}{advice}"] += 1
    if passed_over:
        print(_passed_over_line(source, passed_over), file=sys.stderr)
    if not paths:
        raise SystemExit(f"client.py: {source} holds no pictures ({', '.join(SENT)}).")
    # The old ending stays in the name: a.jpg and a.png are two pictures.
    return [(p, target / p.relative_to(source).with_name(f"{p.name}.png")) for p in paths]


def _kind_of_file(path: pathlib.Path) -> str:
    # Reading from a pipe would wait for ever: it counts by its name.
    if not path.is_file():
        return "PNG" if path.suffix.lower() == ".png" else "unknown"
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(START))
    except OSError:
        return "unreadable"
    # A damaged picture is sent, so that somebody hears of it.
    if kind in ("text", "unknown", "empty") and path.suffix.lower() in (".jpg", ".jpeg", ".png"):
        return "PNG"
    return kind


def _advice(kind: str) -> str | None:
    """Returns what would help with a file that is not sent; None for one that is."""
    if kind in SENT:
        return None
    if kind not in CONVERTED:
        return ""
    if _pillow() is None:
        return " (pip install pillow)"
    if kind == "HEIC" and not _opens_heic():
        return " (pip install pillow-heif)"
    return None


def _passed_over_line(source: pathlib.Path, passed_over: collections.Counter) -> str:
    total = sum(passed_over.values())
    kinds = sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds)
    files = "file" if total == 1 else "files"
    return f"Passed over {total} {files} of {source.name or source}: {listed}."


# ---- what the server does not decode ----


def prepared(data: bytes) -> bytes:
    """Returns a picture file as the server decodes it: most are returned as they are.

    Raises:
        ValueError: it has to be converted, and that is not possible here; the message is a
            sentence.
    """
    kind = kind_of(data[:START])
    if kind in SENT and not _needs_conversion(data, kind):
        return data
    if kind not in (*SENT, *CONVERTED):
        return data  # the server says what it is
    if _pillow() is None:
        raise ValueError(
            f"is {kind} of a kind that the server does not decode: pip install pillow, or make it "
            "an sRGB PNG."
        )
    try:
        return _converted(data)
    except Exception as error:  # decoders raise nearly anything at damaged files
        raise ValueError(f"is {kind}, which cannot be converted here ({error}).") from error


def _needs_conversion(data: bytes, kind: str) -> bool:
    """Whether the server would refuse a file of a kind that it decodes."""
    if kind == "JPEG":
        return _needs_conversion_of_jpeg(data)
    if kind == "PNG":
        return _holds_tables(_png_profile(data))
    if kind == "GIF":
        return _is_transparent_gif(data)
    return data[28:30] not in (b"\x18\0", b"\x20\0") or data[30:34] != b"\0\0\0\0"  # a BMP


def _needs_conversion_of_jpeg(data: bytes) -> bool:
    """Whether a JPEG is CMYK, or has a color profile with tables."""
    position, profile = 2, b""
    while position + 10 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        size = int.from_bytes(data[position + 2 : position + 4], "big")
        content = data[position + 4 : position + 2 + size]
        if marker == 0xE2 and content.startswith(b"ICC_PROFILE\0"):
            profile += content[14:]
        if marker in (0xC0, 0xC1, 0xC2):  # the header of the pixels, with the number of channels
            return content[5:6] == b"\4" or _holds_tables(profile)
        position += 2 + size
    return False


def _png_profile(data: bytes) -> bytes:
    """Returns the color profile of a PNG, empty where it has none or it is damaged."""
    start = data.find(b"iCCP", 33, 4096)
    if start < 0:
        return b""
    size = int.from_bytes(data[start - 4 : start], "big")
    content = data[start + 4 : start + 4 + size]
    compressed = content[content.find(b"\0") + 2 :]
    try:
        return zlib.decompressobj().decompress(compressed, LONGEST_PROFILE)
    except zlib.error:
        return b""


def _is_transparent_gif(data: bytes) -> bool:
    """Whether the block that goes before the first frame names a transparent color."""
    control = data.find(b"\x21\xf9\x04", 13, 13 + 768 + 1024)
    return control >= 0 and data[control + 3] % 2 == 1


def _holds_tables(profile: bytes) -> bool:
    """Whether a color profile describes colors by tables; the server converts all others."""
    count = int.from_bytes(profile[128:132], "big")
    names = [profile[132 + 12 * number :][:4] for number in range(min(count, 100))]
    return b"A2B0" in names or b"A2B1" in names


def _converted(data: bytes) -> bytes:
    """Returns a PNG in sRGB, upright, with the transparency that it has."""
    from PIL import ImageCms, ImageOps

    _opens_heic()
    with _pillow().open(io.BytesIO(data)) as image:
        profile = image.info.get("icc_profile")
        image.load()
        image = ImageOps.exif_transpose(image)
    if image.mode in ("F", "I") or image.mode.startswith("I;"):
        if image.mode != "I;16":
            raise ValueError(f"it holds {image.mode} numbers")
    else:
        alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
        if image.mode not in ("CMYK", "L", "RGB"):
            image = image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")
        modes = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}
        if profile and modes.get(profile[16:20]) == image.mode:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = ImageCms.profileToProfile(
                image,
                own,
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        image = image.convert("RGB") if image.mode == "CMYK" else image
        if alpha is not None:
            image.putalpha(alpha)
    image.info.clear()
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _pillow():
    """Returns Pillow's module Image, None where it is not installed."""
    try:
        from PIL import Image
    except ImportError:
        return None
    return Image


def _opens_heic() -> bool:
    """Teaches Pillow to open HEIC files where pillow-heif is installed; returns whether it is."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def translate_file(client, source: pathlib.Path, target: pathlib.Path, deadline: float) -> str:
    """Translates one file; returns what went wrong, or an empty string."""
    try:
        picture = prepared(source.read_bytes())
        (answer,) = translate_patiently(client, [picture], deadline)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(answer)
        partial.replace(target)
    except (ServerError, OSError) as error:
        return f"{source}: {error}"
    except ValueError as error:
        return f"{source} {error}"
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
    text = said[1] if said else text.partition("[[{{")[0]
    text = re.sub(r"\{\{function_node .*?\}\}", "", text)
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
