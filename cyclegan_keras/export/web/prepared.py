"""What a web page needs beside the generators, found before anything is computed or written."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.export.web.examples import ExamplePicture, read_examples
from cyclegan_keras.export.web.runtime import Runtime, check_source, find_runtime
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import OptionError

_ADDRESS = re.compile(
    r"(?P<origin>(?P<scheme>https?)://(?P<host>[a-z0-9.-]+)(?::[0-9]{1,5})?)"
    r"(?:/[A-Za-z0-9._~%@/+-]*)?"
)


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


def check_page_options(options: ExportOptions) -> None:
    """Refuses options that no page can be made by, before anything is read or fetched.

    Raises:
        OptionError: options that exclude each other, or an address that is none.
        ExportError: there is no way to LiteRT.js.
    """
    if options.web_cdn is not None:
        if options.web_single_file:
            raise OptionError(
                "--web_single_file holds all it needs, and --web_cdn names a place to load from: "
                "leave one of them out."
            )
        cdn_origin(options.web_cdn)
    check_source(options.web_runtime)


def prepare_page(
    options: ExportOptions, drawings: Mapping[Direction, Mapping[str, Any] | None]
) -> PreparedPage:
    """Reads the examples and finds the runtime, which may be fetched.

    Args:
        options: of `check_page_options`.
        drawings: of `palette.find_drawings`.

    Raises:
        OptionError: an example that is no picture.
        ExportError: LiteRT.js cannot be had.
    """
    return PreparedPage(
        examples=read_examples(options.web_examples),
        runtime=find_runtime(options.web_runtime),
        drawings=drawings,
    )


def cdn_origin(address: str) -> str:
    """Returns the scheme and host of --web_cdn, such as "https://cdn.jsdelivr.net".

    Raises:
        OptionError: it is no address that a page may load from.

    Example:
        >>> cdn_origin("https://cdn.jsdelivr.net/npm")
        'https://cdn.jsdelivr.net'
    """
    # What follows lands in a policy, where a space or a semicolon would begin something else.
    found = _ADDRESS.fullmatch(address)
    is_local = found is not None and found["host"] in ("localhost", "127.0.0.1")
    if found is None or (found["scheme"] == "http" and not is_local):
        raise OptionError(
            f"--web_cdn={address}: expected an address of a copy of npm, such as "
            "https://cdn.jsdelivr.net/npm."
        )
    return found["origin"]
