"""What deploy/client.py does by itself: jobs, answers that are none, retries, interruption."""

import contextlib
import io
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image, ImageCms

from cyclegan_keras.images import reading

OK = b"HTTP/1.1 200 OK\r\nContent-Length: "


@contextlib.contextmanager
def answering(*answers, when=None):
    """A server that gives these bytes, one a connection, the last for ever; yields its address.

    It answers when the event `when` has come.
    """
    answers, asked = list(answers), []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        asked.append(_request(connection.makefile("rb")))
                        if when:
                            when.wait()
                        connection.sendall(answers.pop(0) if len(answers) > 1 else answers[0])

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", asked


def _request(stream):
    """Returns the first line and the body."""
    first, length = stream.readline(), 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b": ")
        length = int(value) if name == b"Content-Length" else length
    return first, stream.read(length)


def http(code, body):
    return b"HTTP/1.1 %d Words\r\nContent-Length: %d\r\n\r\n%s" % (code, len(body), body)


TRANSLATED = http(200, json.dumps({"outputs": [{"b64": "eg=="}]}).encode())


@pytest.mark.parametrize(
    ("answer", "words", "may_pass"),
    [
        (b"", "no answer from", True),
        (OK + b"100\r\n\r\nhalf", "no answer from", True),
        (http(503, b'{"error": "starting"}'), "HTTP 503: starting", True),
        (http(502, b"<html>Bad gateway</html>"), "HTTP 502: <html>Bad gateway", True),
        (http(429, b""), "HTTP 429: Words", True),
        (http(404, b'{"error": "Servable not found"}'), "HTTP 404: Servable not found", False),
        (http(500, b'{"error": "broken"}'), "HTTP 500: broken", False),
        (http(400, b'{"error": "wrong \\x escape"}'), "wrong", False),
        (http(200, b"<html>Welcome</html>"), "is no TensorFlow Serving", False),
        (http(200, b'{"predictions": []}'), "is no TensorFlow Serving", False),
        (http(200, b"[]"), "is no TensorFlow Serving", False),
    ],
)
def test_an_answer_that_is_no_picture_is_a_sentence(client, answer, words, may_pass):
    with answering(answer) as (address, _):
        rest = client.RestClient(address, "cyclegan", "serving_default")
        with pytest.raises(client.ServerError, match=words) as error:
            rest.translate([b"x"], 5)
    assert error.value.may_pass is may_pass


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "assertion failed: [Picture 1 is too large.]\n\t [[{{node map/while/Assert}}]]",
            "Picture 1 is too large.",
        ),
        ("Invalid PNG data, size 300\n\t [[{{node map}}]]", "Invalid PNG data, size 300"),
        (
            "{{function_node read_1}} {{function_node read_1}} Invalid PNG data, size 300\n"
            "\t [[{{function_node case_1}}{{node case_1/DecodePng}}]]\n\t [[map/while/body]]",
            "Invalid PNG data, size 300",
        ),
        ("two\nlines", "two lines"),
    ],
)
def test_the_graph_is_left_out_of_what_the_server_says(client, said, expected):
    with answering(http(400, json.dumps({"error": said}).encode())) as (address, _):
        rest = client.RestClient(address, "cyclegan", "serving_default")
        with pytest.raises(client.ServerError) as error:
            rest.translate([b"x"], 5)
    assert str(error.value) == f"HTTP 400: {expected}"


def test_what_is_asked(client):
    """By the server's document of its REST interface."""
    with answering(TRANSLATED) as (address, asked):
        rest = client.RestClient(f"http://{address}/", "horses", "b_to_a", "stable")
        assert rest.translate([b"picture"], 5) == [b"z"]
    ((first, body),) = asked
    assert first == b"POST /v1/models/horses/labels/stable:predict HTTP/1.1\r\n"
    assert json.loads(body) == {
        "signature_name": "b_to_a",
        "inputs": {"bytes_inputs": [{"b64": "cGljdHVyZQ=="}]},
    }


def test_what_may_pass_is_repeated_with_growing_pauses(client, monkeypatch):
    pauses = []
    monkeypatch.setattr(client.time, "sleep", pauses.append)
    unavailable = http(503, b"")
    answers = [b"", b"", b"", unavailable, unavailable, unavailable, TRANSLATED]
    with answering(*answers) as (address, asked):
        rest = client.RestClient(address, "cyclegan", "serving_default")
        assert client.translate_patiently(rest, [b"x"], 30) == [b"z"]
    assert len(asked) == 7
    for number, pause in enumerate(pauses):
        expected = min(client.PAUSE * 2**number, client.LONGEST_PAUSE)
        assert 0.5 * expected <= pause <= 1.5 * expected


def test_what_will_not_pass_is_asked_once(client):
    with answering(http(400, b""), TRANSLATED) as (address, asked):
        rest = client.RestClient(address, "cyclegan", "serving_default")
        with pytest.raises(client.ServerError, match="HTTP 400"):
            client.translate_patiently(rest, [b"x"], 30)
    assert len(asked) == 1


class Clock:
    """Takes the place of `time`: it goes on only where somebody sleeps."""

    now = 100.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.mark.parametrize("kind", ["RestClient", "GrpcClient"])
def test_a_server_that_never_comes_ends_at_the_deadline(client, kind, monkeypatch):
    if kind == "GrpcClient":
        pytest.importorskip("tensorflow_serving")
    clock = Clock()
    monkeypatch.setattr(client, "time", clock)
    with socket.socket() as taken:  # bound but not listening
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        asking = getattr(client, kind)(address, "cyclegan", "serving_default")
        with pytest.raises(client.ServerError, match=r"given up after 10 s"):
            client.translate_patiently(asking, [b"x"], 10)
    assert 1 < clock.now - Clock.now <= 10


def test_a_server_that_hangs_ends_at_the_deadline(client):
    timeouts = []

    class Told(client.RestClient):
        def translate(self, pictures, timeout):
            timeouts.append(timeout)
            return super().translate(pictures, timeout)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        rest = Told(f"127.0.0.1:{silent.getsockname()[1]}", "cyclegan", "serving_default")
        with pytest.raises(client.ServerError, match="timed out"):
            client.translate_patiently(rest, [b"x"], 0.5)
    assert max(timeouts) <= 0.5  # what is left of the deadline, each time


def test_an_address_that_is_none_is_not_repeated(client):
    rest = client.RestClient("localhost:words", "cyclegan", "serving_default")
    with pytest.raises(client.ServerError, match="nonnumeric port") as error:
        rest.translate([b"x"], 5)
    assert not error.value.may_pass


def test_missing_sources_are_sentences(client, tmp_path):
    (tmp_path / "empty").mkdir()
    for name, words in (("gone", "does not exist"), ("empty", "holds no pictures")):
        with pytest.raises(SystemExit, match=words):
            client.main([str(tmp_path / name), str(tmp_path / "out")])


def test_what_was_written_into_the_source_is_no_source(client, folder):
    source = folder(2)
    todo = dict(client.jobs(source, source / "out"))
    for target in todo.values():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    assert dict(client.jobs(source, source / "out")) == todo


def test_pictures_of_one_name_do_not_overwrite_each_other(client, tmp_path):
    for name in ("a.png", "a.jpg", "a.JPEG"):
        (tmp_path / name).touch()
    (tmp_path / "notes.txt").write_text("notes")
    targets = {target.name for _, target in client.jobs(tmp_path, tmp_path / "out")}
    assert targets == {"a.png.png", "a.jpg.png", "a.JPEG.png"}


def test_what_is_passed_over_is_counted_by_kind(client, make_picture, tmp_path, capsys):
    """Pictures are told by their content, and videos, texts and hidden files are not sent."""
    source = tmp_path / "photos"
    source.mkdir()
    files = {
        "a.png": make_picture(),
        "without_ending": make_picture(form="JPEG"),
        "b.webp": make_picture(form="WEBP"),
        "clip.mov": b"\0\0\0\x14ftypqt  " + b"\0" * 20,
        "notes.txt": b"words",
        "more.csv": b"1,2",
        "nothing": b"",
        ".hidden.png": make_picture(),
        "data.bin": b"\1\0\2",
    }
    for name, content in files.items():
        (source / name).write_bytes(content)
    sent = [path.name for path, _ in client.jobs(source, tmp_path / "out")]
    assert sent == ["a.png", "b.webp", "without_ending"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "Passed over 5 files of photos: 2 text, 1 empty, 1 unknown, 1 video."


def test_without_pillow_it_says_what_helps(client, make_picture, tmp_path, monkeypatch, capsys):
    webp = make_picture(form="WEBP")
    (tmp_path / "a.png").write_bytes(make_picture())
    (tmp_path / "b.webp").write_bytes(webp)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert len(client.jobs(tmp_path, tmp_path / "out")) == 1
    assert "1 WebP (pip install pillow)" in capsys.readouterr().err
    with pytest.raises(ValueError, match="is WebP of a kind that the server does not decode"):
        client.prepared(webp)


def encoded(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WIDE = SRGB.replace(struct.pack(">i", 0x6FA0), struct.pack(">i", 0x8FA0))
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 17, 3)).astype("uint8")
TURNED = Image.Exif()
TURNED[0x0112] = 6
COLORS = Image.fromarray(PIXELS)
CONVERTED = {
    "webp": encoded(COLORS, "WEBP", lossless=True, exif=TURNED.tobytes()),
    "tiff": encoded(COLORS, "TIFF"),
    "cmyk": encoded(COLORS.convert("CMYK"), "JPEG"),
    "wide tiff": encoded(COLORS, "TIFF", icc_profile=WIDE),
    "transparent gif": encoded(Image.fromarray(np.dstack([PIXELS, PIXELS[..., 0]])), "GIF"),
    "bmp with a palette": encoded(COLORS.convert("P"), "BMP"),
}
SENT = {
    "jpeg": encoded(COLORS, "JPEG"),
    "png": encoded(COLORS),
    "srgb": encoded(COLORS, icc_profile=SRGB),
    "srgb jpeg": encoded(COLORS, "JPEG", icc_profile=SRGB),
    "wide jpeg": encoded(COLORS, "JPEG", icc_profile=WIDE, exif=TURNED.tobytes()),
    "wide png": encoded(COLORS, icc_profile=WIDE),
    "gif": encoded(COLORS, "GIF"),
    "bmp": encoded(COLORS, "BMP"),
    "video": b"\0\0\0\x14ftypqt  " + b"\0" * 20,
}


@pytest.mark.parametrize("name", CONVERTED)
def test_what_the_server_does_not_decode_is_converted(client, name):
    """The package's reader sees in the converted file what it sees in the original."""
    sent = client.prepared(CONVERTED[name])
    assert sent.startswith(b"\x89PNG")
    expected = reading.read_picture(CONVERTED[name]).over_white()
    found = reading.read_picture(sent).over_white()
    assert found.icc_profile is None
    np.testing.assert_array_equal(found.pixels, expected.pixels)


@pytest.mark.parametrize("name", SENT)
def test_what_the_server_decodes_is_sent_as_it_is(client, name):
    assert client.prepared(SENT[name]) is SENT[name]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_profile_with_tables_is_not_sent(client, form):
    """This one is broken, so that nobody can convert it."""
    data = encoded(COLORS, form, icc_profile=WIDE.replace(b"chad", b"A2B0"))
    with pytest.raises(ValueError, match=f"is {form}, which cannot be converted here"):
        client.prepared(data)


def test_a_target_that_cannot_be_written_is_a_sentence(client, folder, tmp_path, capsys):
    (tmp_path / "taken").mkdir()
    with answering(TRANSLATED) as (address, _):
        arguments = [str(folder(1) / "0.png"), str(tmp_path / "taken"), f"--server={address}"]
        assert client.main(arguments) == 1
    assert "Is a directory" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.process
def test_an_interrupted_folder_ends_with_the_pictures_under_way(folder, tmp_path):
    """The server answers nothing before the client has said that it stops."""
    go_on = threading.Event()
    with answering(TRANSLATED, when=go_on) as (address, asked):
        command = [sys.executable, ROOT / "deploy" / "client.py", folder(40), tmp_path / "out"]
        process = subprocess.Popen(
            [*command, f"--server={address}", "--parallel=2"],
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs these tests in the background has its children ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while not asked and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        err = ""
        while "Stopping" not in err and (line := process.stderr.readline()):
            err += line
        go_on.set()
        err += process.communicate()[1]
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert 1 <= len(asked) <= 2
    assert len(list((tmp_path / "out").rglob("*.png"))) == len(asked)
