"""Serves an exported page from this machine.

    cyclegan-serve saved_models/demo/web
    cyclegan-serve saved_models/demo/web --port=8080

The page is then at http://localhost:8000/. Any other static server does as well: see docs/web.md.

It answers with the headers that the page's file `_headers` asks for, as Netlify and Cloudflare
Pages do, and with those that let a page use several threads. By default nobody but this machine
reaches it.
"""

import argparse
import errno
import fnmatch
import functools
import http.server
import ipaddress
import pathlib
import socket
import sys
import threading
import urllib.parse

from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.files.shield import run_shielded

PORT = 8000
LOOPBACK = "127.0.0.1"
HEADERS_FILE = "_headers"
POLL_SECONDS = 0.05  # between two looks whether the server is to stop

# What Python's own table calls these depends on its version and on the machine.
MIME_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gz": "application/gzip",  # the page unpacks it, so it is no Content-Encoding
    ".html": "text/html; charset=utf-8",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
}

# A browser grants several threads only to a page that is isolated from others.
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class PageServer:
    """A web server of one folder.

    As a context manager it answers requests in another thread, until the end of the block.

    Args:
        folder: what it serves; nothing outside of it is reachable.
        host: the address it listens at; "127.0.0.1" is reachable from this machine alone.
        port: 1 to 65535, or 0 for any that is free.
        plain: whether to send no headers beside the content's own, as GitHub Pages does.

    Attributes:
        port: the port it listens at.
        url: where a browser on this machine finds the folder, with a slash at the end.

    Raises:
        ExportError: the address is in use, or none of this machine.

    Example:
        >>> with PageServer(pathlib.Path("docs"), port=0) as server:
        ...     server.url.startswith("http://localhost:")
        True
    """

    def __init__(
        self, folder: pathlib.Path, *, host: str = LOOPBACK, port: int = PORT, plain: bool = False
    ):
        handler = functools.partial(
            _Handler, directory=str(folder), rules=[] if plain else header_rules(folder)
        )
        server_class = _ServerOfIPv6 if ":" in host else _Server
        try:
            self._server = server_class((host, port), handler)
        except OSError as error:
            raise ExportError(_why_not(error, host, port)) from error
        self._thread: threading.Thread | None = None
        self.port = self._server.server_address[1]
        self.url = f"http://{_name_of(host)}:{self.port}/"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self.stop()

    def start(self) -> None:
        """Answers requests from now on, in another thread."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True
        )
        self._thread.start()

    def serve(self) -> None:
        """Answers requests in this thread, until Ctrl-C raises KeyboardInterrupt."""
        self._server.serve_forever(POLL_SECONDS)

    def stop(self) -> None:
        """Answers no more requests and frees the port; a second call does nothing.

        After `serve` it frees the port alone.
        """
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()


def check_port(port: int) -> None:
    """Raises ExportError where a page cannot be served at a port of this machine."""
    try:
        _Server((LOOPBACK, port), http.server.BaseHTTPRequestHandler).server_close()
    except OSError as error:
        raise ExportError(_why_not(error, LOOPBACK, port)) from error


def header_rules(folder: pathlib.Path) -> list[tuple[str, dict[str, str]]]:
    """Returns patterns of paths, and the headers of what they match, later ones over earlier ones.

    Args:
        folder: the page's, whose file `_headers` is read where there is one. In it a line without
            indentation is the pattern of a path, such as "/*", and the indented lines that follow
            are headers.
    """
    rules = [("/*", dict(ISOLATION))]
    path = folder / HEADERS_FILE
    if not path.is_file():
        return rules
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not line[0].isspace():
            rules.append((text, {}))
            continue
        name, colon, value = text.partition(":")
        if colon:
            rules[-1][1][name.strip()] = value.strip()
    return rules


def headers_of(path: str, rules: list[tuple[str, dict[str, str]]]) -> dict[str, str]:
    """Returns the headers that rules give to a path.

    Example:
        >>> headers_of("/app.js", [("/*", {"A": "1", "B": "1"}), ("/*.js", {"b": "2"})])
        {'A': '1', 'b': '2'}
    """
    found: dict[str, tuple[str, str]] = {}
    for pattern, headers in rules:
        if fnmatch.fnmatchcase(path, pattern):
            for name, value in headers.items():
                found[name.lower()] = (name, value)
    return dict(found.values())


def check_page(folder: pathlib.Path) -> None:
    """Raises ExportError where a folder holds no page, with what to do."""
    if folder.is_file():
        raise ExportError(
            f"{folder} is a file: expected the folder of a page. A page of one file needs no "
            "server: open it by a double click."
        )
    if not folder.is_dir():
        raise ExportError(
            f"There is no folder {folder}: make one by export.py --format=web, which prints its "
            "name."
        )
    if (folder / "index.html").is_file():
        return
    if (folder / "web" / "index.html").is_file():
        raise ExportError(f"{folder} holds no index.html: name the page in it, {folder / 'web'}.")
    raise ExportError(
        f"{folder} is not a page, because it holds no index.html: name the folder web that "
        "export.py --format=web writes."
    )


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # a browser that is closed, or goes to another page, breaks its connections
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


class _Handler(http.server.SimpleHTTPRequestHandler):
    path = "/"  # of a request that cannot be read

    def __init__(self, *arguments, directory: str, rules: list[tuple[str, dict[str, str]]]):
        self.rules = rules
        super().__init__(*arguments, directory=directory)

    def guess_type(self, path):
        """Returns the type by the ending alone, whatever this machine's own table says."""
        return MIME_TYPES.get(pathlib.PurePath(path).suffix.lower(), "application/octet-stream")

    def send_head(self):
        """Refuses what leads out of the folder, as a symbolic link may."""
        folder = pathlib.Path(self.directory).resolve()
        path = pathlib.Path(self.translate_path(self.path))
        try:
            is_inside = path.resolve().is_relative_to(folder)
        except (ValueError, RuntimeError):  # a name with a zero byte; links that go in a circle
            is_inside = False
        if not is_inside:
            self.send_error(http.HTTPStatus.NOT_FOUND, "File not found")
            return None
        return super().send_head()

    def list_directory(self, path):
        """Refuses to list a folder without a page, as static hosts do."""
        self.send_error(http.HTTPStatus.NOT_FOUND, "File not found")

    def end_headers(self):
        """Adds the headers of the page to those of the answer."""
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        headers = headers_of(path, self.rules)
        if not any(name.lower() == "cache-control" for name in headers):
            headers["Cache-Control"] = "no-cache"  # a new export is seen by a reload
        for name, value in headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_request(self, code="-", size="-"):
        """Says nothing of what was answered; errors are still told."""


def _name_of(host: str) -> str:
    """Returns a host as a browser on this machine names it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_loopback or address.is_unspecified:
        return "localhost"
    return f"[{host}]" if address.version == 6 else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"--port={port} is in use by another program: end it, or name another port, such as "
            f"--port={port + 1 if port < 65535 else PORT}."
        )
    if error.errno == errno.EACCES:
        return f"--port={port} needs more rights: name a port from 1024 on, such as {PORT}."
    return (
        f"--host={host} cannot be listened at: {error.strerror}. Name an address of this machine."
    )


def main(argv: list[str]) -> int:
    """Serves until Ctrl-C; returns the exit code."""
    return run_shielded("serve", lambda: _run(argv))


def _run(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    check_page(arguments.folder)
    server = PageServer(arguments.folder, host=arguments.host, port=arguments.port)
    if not _is_loopback(arguments.host):
        sys.stderr.write(
            f"--host={arguments.host}: other machines reach this page too. Browsers there grant it "
            "neither the camera, nor several threads, nor offline use, which need https: see "
            "docs/web.md.\n"
        )
    sys.stdout.write(f"{server.url} shows {arguments.folder}. Stop with Ctrl-C.\n")
    sys.stdout.flush()
    try:
        server.serve()
    except KeyboardInterrupt:
        sys.stdout.write("\nStopped.\n")
    finally:
        server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "cyclegan-serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", type=_folder, help="the folder web that export.py --format=web writes"
    )
    parser.add_argument("--port", type=_port, default=PORT, help=f"{PORT} by default; 0 for any")
    parser.add_argument(
        "--host", default=LOOPBACK, help="address to listen at; 0.0.0.0 for other machines too"
    )
    return parser


def _folder(text: str) -> pathlib.Path:
    return pathlib.Path(text).expanduser()


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: expected a number from 0 to 65535")
    return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
