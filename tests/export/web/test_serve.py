"""The server of a page: what it answers, what it refuses, and how it starts and ends."""

import http.client
import signal
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from cyclegan_keras.export.web import serve
from cyclegan_keras.files.errors import ExportError


@pytest.fixture
def folder(tmp_path):
    page = tmp_path / "web"
    (page / "models").mkdir(parents=True)
    (page / "runtime").mkdir()
    (page / "index.html").write_text("<title>a page</title>")
    (page / "app.js").write_text("1;")
    (page / "style.css").write_text("p {}")
    (page / "manifest.webmanifest").write_text("{}")
    (page / "icon.svg").write_text("<svg/>")
    (page / "models" / "generator_g_fp16.tflite").write_bytes(b"\x00" * 100)
    (page / "runtime" / "litert_simd.wasm.gz").write_bytes(b"\x1f\x8b")
    (page / "_headers").write_text(
        "# of every file\n"
        "/*\n"
        "  Content-Security-Policy: default-src 'self'; connect-src https://cdn.example\n"
        "  cross-origin-embedder-policy: credentialless\n"
        "/runtime/*\n"
        "  Cache-Control: max-age=60\n"
    )
    (tmp_path / "secret.txt").write_text("nobody's")
    return page


def ask(server, path):
    """Asks for a path as it is written, which urllib would tidy up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_every_kind_of_file_has_its_type(folder):
    expected = {
        "/": "text/html; charset=utf-8",
        "/app.js": "text/javascript; charset=utf-8",
        "/style.css": "text/css; charset=utf-8",
        "/manifest.webmanifest": "application/manifest+json",
        "/icon.svg": "image/svg+xml",
        "/models/generator_g_fp16.tflite": "application/octet-stream",
        "/runtime/litert_simd.wasm.gz": "application/gzip",
    }
    with serve.PageServer(folder, port=0) as server:
        answers = {path: ask(server, path)[0] for path in expected}
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(expected, 200)
    assert {path: answer.headers["Content-Type"] for path, answer in answers.items()} == expected
    assert all(answer.headers["Content-Encoding"] is None for answer in answers.values())


def test_the_pages_own_headers_are_sent_over_those_of_the_server(folder):
    with serve.PageServer(folder, port=0) as server:
        page = ask(server, "/")[0].headers
        runtime = ask(server, "/runtime/litert_simd.wasm.gz?v=1")[0].headers
    policy = "default-src 'self'; connect-src https://cdn.example"
    assert page.get_all("Content-Security-Policy") == [policy]
    assert page.get_all("Cross-Origin-Opener-Policy") == ["same-origin"]
    assert page.get_all("Cross-Origin-Embedder-Policy") == ["credentialless"]
    assert page.get_all("Cache-Control") == ["no-cache"]
    assert runtime.get_all("Cache-Control") == ["max-age=60"]


def test_a_plain_server_sends_none_of_them(folder):
    with serve.PageServer(folder, port=0, plain=True) as server:
        headers = ask(server, "/")[0].headers
    assert headers["Content-Security-Policy"] is None
    assert headers["Cross-Origin-Opener-Policy"] is None


def test_threads_are_allowed_without_a_file_of_headers(folder):
    (folder / "_headers").unlink()
    with serve.PageServer(folder, port=0) as server:
        headers = ask(server, "/")[0].headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/models/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//../secret.txt",
        "/link.txt",
        "/linked/secret.txt",
        "/secret.txt%00",
        "/circle",
    ],
)
def test_nothing_outside_the_folder_is_served(folder, path):
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "linked").symlink_to(folder.parent)
    (folder / "circle").symlink_to("circle")
    with serve.PageServer(folder, port=0) as server:
        answer, body = ask(server, path)
    assert answer.status == 404
    assert b"nobody's" not in body


def test_a_folder_that_is_itself_a_link_is_served(folder, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(folder)
    with serve.PageServer(link, port=0) as server:
        assert ask(server, "/app.js")[1] == b"1;"


def test_folders_are_not_listed(folder):
    with serve.PageServer(folder, port=0) as server:
        assert ask(server, "/models/")[0].status == 404


@pytest.mark.parametrize(
    "request_line", [b"GET / HTTP/9\r\n\r\n", b"nonsense in four words\r\n\r\n"]
)
def test_what_is_no_request_is_refused(folder, request_line, capsys):
    with serve.PageServer(folder, port=0) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(request_line)
            answer = connection.makefile("rb").read()
        assert ask(server, "/")[0].status == 200
    assert b"Error code: " in answer
    assert "Traceback" not in capsys.readouterr().err


def test_a_stopped_server_answers_no_more_and_frees_its_port(folder):
    with serve.PageServer(folder, port=0) as server:
        assert urllib.request.urlopen(server.url, timeout=10).read() == b"<title>a page</title>"
    server.stop()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(server.url, timeout=10)
    with serve.PageServer(folder, port=server.port) as second:
        assert ask(second, "/")[0].status == 200


def test_a_port_in_use_is_one_sentence(folder):
    with (
        serve.PageServer(folder, port=0) as server,
        pytest.raises(ExportError, match=f"--port={server.port} is in use .* --port="),
    ):
        serve.PageServer(folder, port=server.port)


def test_an_address_of_another_machine_is_one_sentence(folder):
    with pytest.raises(ExportError, match=r"--host=192\.0\.2\.1 cannot be listened at"):
        serve.PageServer(folder, host="192.0.2.1", port=0)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1", "localhost"),
        ("0.0.0.0", "localhost"),
        ("::", "localhost"),
        ("192.168.0.7", "192.168.0.7"),
        ("fe80::1", "[fe80::1]"),
        ("studio.local", "studio.local"),
    ],
)
def test_an_address_is_named_as_a_browser_can_open_it(host, name):
    assert serve._name_of(host) == name


def test_what_is_no_page_is_one_sentence(folder, tmp_path):
    serve.check_page(folder)
    with pytest.raises(ExportError, match=r"name the page in it, .*web"):
        serve.check_page(tmp_path)
    with pytest.raises(ExportError, match="is not a page"):
        serve.check_page(folder / "models")
    with pytest.raises(ExportError, match="There is no folder"):
        serve.check_page(tmp_path / "missing")
    with pytest.raises(ExportError, match="is a file"):
        serve.check_page(folder / "index.html")


@pytest.mark.parametrize("port", ["65536", "-1", "web"])
def test_a_port_that_cannot_be_is_refused(folder, port, capsys):
    with pytest.raises(SystemExit) as ended:
        serve.main([str(folder), f"--port={port}"])
    assert ended.value.code == 2
    assert "expected a number from 0 to 65535" in capsys.readouterr().err


def test_no_page_ends_the_command(tmp_path, capsys):
    assert serve.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"serve: {tmp_path} is not a page")


def test_the_command_says_where_the_page_is_and_ends_by_ctrl_c(folder, capsys):
    with serve.PageServer(folder, port=0) as server:
        port = server.port  # which is free again after the block
    statuses = []

    def visit():
        try:
            for _ in range(200):
                try:
                    with urllib.request.urlopen(f"http://localhost:{port}/", timeout=10) as answer:
                        statuses.append(answer.status)
                        return
                except urllib.error.URLError:
                    time.sleep(0.05)
        finally:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    visitor = threading.Thread(target=visit)
    visitor.start()
    exit_code = serve.main([str(folder), f"--port={port}", "--host=0.0.0.0"])
    visitor.join()
    said = capsys.readouterr()
    assert (exit_code, statuses) == (0, [200])
    assert said.out == f"http://localhost:{port}/ shows {folder}. Stop with Ctrl-C.\n\nStopped.\n"
    assert "neither the camera" in said.err
    assert "Traceback" not in said.err
