"""Pictures that visitors of the page can try; only those that the user names are published."""

import dataclasses
import io
import os
import pathlib
import re

import numpy as np
from PIL import Image

from cyclegan_keras.files.errors import OptionError, PictureError
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.listing import find_pictures
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.images.resizing import resize

LONGEST_SIDE = 1024  # px
JPEG_QUALITY = 90
MOST_COLORS = 256  # of label maps and drawings, which JPEG would blur
MOST_EXAMPLES = 60  # of which each takes about 0.2 MB
DOMAIN_FOLDER = re.compile("(?:train|val|test)?([AB])")  # names of folders as in a data set


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExamplePicture:
    """A picture as the page holds it.

    Attributes:
        name: of the user's file, without its ending.
        ending: ".jpg", or ".png" for a picture of few colors.
        data: the file, without any metadata.
        domain: "A" or "B" where it lies in a folder of that domain, such as testA; else None.
    """

    name: str
    ending: str
    data: bytes
    domain: str | None = None


def read_examples(option: str | None) -> list[ExamplePicture]:
    """Reads the pictures that --web_examples names.

    Each picture is turned upright, converted to 8-bit sRGB over white, and made smaller where a
    side is longer than `LONGEST_SIDE` pixels. Its metadata, such as the place where a photo was
    taken, is dropped. A picture in a folder of a data set, such as testB, is an example for the
    direction that translates this domain.

    Args:
        option: files and folders, separated by commas; None for none.

    Raises:
        OptionError: a file or folder is missing, holds no picture, or holds one that cannot be
            read; or there are more than `MOST_EXAMPLES`.
    """
    words = [word.strip() for word in (option or "").split(",")]
    paths = []
    for word in filter(None, words):
        path = pathlib.Path(word).expanduser()
        found = find_pictures(path).pictures if path.is_dir() else [path]
        if not found:
            raise OptionError(f"--web_examples={word} holds no pictures.")
        paths += found
    if len(paths) > MOST_EXAMPLES:
        raise OptionError(
            f"--web_examples names {len(paths)} pictures, and each visitor's page shows all; "
            f"expected at most {MOST_EXAMPLES}."
        )
    return [_read(path) for path in paths]


def _read(path: pathlib.Path) -> ExamplePicture:
    try:
        pixels = Form(channels=3).array(read_picture(path, channels=3))
    except PictureError as error:
        raise OptionError(f"--web_examples: {path} {error}.") from error
    height, width = pixels.shape[:2]
    scale = min(LONGEST_SIDE / max(height, width), 1)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    image = Image.fromarray(np.ascontiguousarray(resize(pixels, size)))
    buffer = io.BytesIO()
    if image.getcolors(MOST_COLORS):
        image.save(buffer, "PNG", optimize=True)
        ending = ".png"
    else:
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
        ending = ".jpg"
    name = os.fsencode(path.stem).decode("utf-8", "replace")
    folder = DOMAIN_FOLDER.fullmatch(path.parent.name)
    domain = folder[1] if folder else None
    return ExamplePicture(name=name, ending=ending, data=buffer.getvalue(), domain=domain)
