"""The web page as one HTML file, which opens by a double click."""

import base64
import copy
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from absl import logging

from cyclegan_keras.export.web import runtime
from cyclegan_keras.pages.template import policy_source, template

# Threads need headers, which no file has.
BUILDS = ("simd", "compat")
LARGE_BYTES = 60_000_000  # of a file that a phone may fail to open


def write_single_file(
    path: pathlib.Path,
    *,
    site: pathlib.Path,
    template_path: pathlib.Path,
    about: Mapping[str, Any],
    strings: Mapping[str, Mapping[str, str]],
    style: str,
    script: str,
) -> None:
    """Writes the page of a site with all that it needs inside.

    Of each direction it holds the one file that processors begin with.

    Args:
        path: the HTML file.
        site: the folder of the page, complete.
        template_path: of the page.
        about: the facts of the site's page.
        strings: the page's words by language and key.
        style: the style sheet.
        script: the page's script.
    """
    about = _facts(about)
    paths = ["worker.js", about["runtime"]["library"]]
    for build in about["runtime"]["builds"].values():
        paths += [about["runtime"]["folder"] + build[part] for part in ("script", "wasm")]
    paths += [file["path"] for each in about["directions"] for file in each["files"]]
    paths += [example["path"] for example in about["examples"]]
    # What stands between the tags is what the policy names, to the letter.
    style = style.strip()
    script = _harmless(script.strip())
    page = template(template_path).render(
        about=about,
        strings=strings,
        policy=_policy(style, script),
        style=style,
        script=script,
        assets={asset: _asset((site / asset).read_bytes()) for asset in paths},
    )
    path.write_text(page, encoding="utf-8", newline="\n")
    size = path.stat().st_size
    if size > LARGE_BYTES:
        logging.warning(
            "%s has %.0f MB, which phones may fail to open: compress the model by compress.py, or "
            "export one generator alone by --model.",
            path.name,
            size / 1e6,
        )


def _facts(about: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the facts with one model for each direction, and the builds that run from a disk."""
    facts: dict[str, Any] = copy.deepcopy(dict(about))
    for direction in facts["directions"]:
        direction["files"] = [direction["files"][direction["default_on"]["wasm"]]]
        direction["default_on"] = {"wasm": 0, "webgpu": 0}
    builds = facts["runtime"]["builds"]
    facts["runtime"]["builds"] = {build: builds[build] for build in BUILDS}
    return facts


def _asset(data: bytes) -> str:
    """Returns a file as text: gzipped, in base64."""
    packed = data if data.startswith(b"\x1f\x8b") else runtime.packed(data)
    return base64.b64encode(packed).decode("ascii")


def _harmless(script: str) -> str:
    r"""Returns a script that no HTML parser takes for the end of its element.

    Such words stand in strings and comments only, where a backslash changes nothing.

    Example:
        >>> print(_harmless('const end = "</script>";'))
        const end = "<\/script>";
    """
    return re.sub(r"<(/script|!--)", r"<\\\1", script, flags=re.IGNORECASE)


def _policy(style: str, script: str) -> str:
    """Returns the policy by which the page runs its own script and loads nothing at all."""
    return (
        "default-src 'none'; "
        f"script-src {policy_source(script)} 'wasm-unsafe-eval'; "
        "worker-src blob:; "
        f"style-src {policy_source(style)}; "
        "img-src blob: data:; "
        "media-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
