"""What a web page needs beside the generators, found before anything is computed or written."""

import dataclasses
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.export.web.examples import ExamplePicture, read_examples
from cyclegan_keras.export.web.runtime import Runtime, find_runtime
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import OptionError


@dataclasses.dataclass(frozen=True, kw_only=True)
class PreparedPage:
    """The parts of a page that the user or npm provides.

    Attributes:
        runtime: LiteRT.js.
        examples: pictures that visitors can try.
        drawings: what can be drawn for each direction, as the page is told; None for nothing.
    """

    runtime: Runtime
    examples: Sequence[ExamplePicture] = ()
    drawings: Mapping[Direction, Mapping[str, Any] | None] = dataclasses.field(default_factory=dict)


def prepare_page(options: ExportOptions) -> PreparedPage:
    """Finds the runtime and the examples.

    Raises:
        OptionError: options that exclude each other, or an example that is no picture.
        ExportError: LiteRT.js cannot be had.
    """
    if options.web_cdn is not None:
        if options.web_single_file:
            raise OptionError(
                "--web_single_file holds all it needs, and --web_cdn names a place to load from: "
                "leave one of them out."
            )
        cdn_origin(options.web_cdn)
    examples = read_examples(options.web_examples)
    return PreparedPage(runtime=find_runtime(options.web_runtime), examples=examples)


def cdn_origin(address: str) -> str:
    """Returns the scheme and host of --web_cdn, such as "https://cdn.jsdelivr.net".

    Raises:
        OptionError: it is no address that a page may load from.

    Example:
        >>> cdn_origin("https://cdn.jsdelivr.net/npm")
        'https://cdn.jsdelivr.net'
    """
    parts = urllib.parse.urlsplit(address)
    host = parts.hostname or ""
    is_plain_host = host != "" and all(letter.isalnum() or letter in "-." for letter in host)
    is_local = host in ("localhost", "127.0.0.1")
    has_scheme = parts.scheme == "https" or (parts.scheme == "http" and is_local)
    has_more = bool(parts.query or parts.fragment or "@" in parts.netloc)
    has_strange_path = any(letter in parts.path for letter in " \"'<>;,\\")
    if not (is_plain_host and has_scheme) or has_more or has_strange_path:
        raise OptionError(
            f"--web_cdn={address}: expected an address of a copy of npm, such as "
            "https://cdn.jsdelivr.net/npm."
        )
    return f"{parts.scheme}://{parts.netloc}"
