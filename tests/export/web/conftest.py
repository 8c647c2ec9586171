"""What tests of the web page share: LiteRT.js as npm packs it, and one exported page."""

import os
import pathlib

import pytest

from cyclegan_keras.export.web import runtime
from cyclegan_keras.files.errors import ExportError


def without_runtime(reason: str):
    """Skips the test that cannot have LiteRT.js here; where all is to be tested, it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"LiteRT.js cannot be had here: {reason}")
    pytest.skip(f"LiteRT.js cannot be had here: {reason}")


@pytest.fixture(scope="session")
def archives(tmp_path_factory) -> pathlib.Path:
    """A folder with the two .tgz of LiteRT.js, for --web_runtime; its tests start processes."""
    folder = tmp_path_factory.mktemp("litert")
    try:
        runtime.fetch_archives(folder)
    except ExportError as error:
        without_runtime(str(error))
    return folder
