"""Writing and reading the receipt of a compressed run."""

import json
import pathlib

from cyclegan_keras.compression.receipt import Receipt
from cyclegan_keras.compression.receipt_text import markdown
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import RunError
from cyclegan_keras.files.names import printable

JSON_FILE = "receipt.json"
MARKDOWN_FILE = "receipt.md"


def write_receipt(receipt: Receipt, folder: pathlib.Path) -> None:
    """Writes receipt.json and receipt.md into a folder.

    Raises:
        WriteError: they cannot be written.
    """
    with atomic_write(folder / MARKDOWN_FILE) as temporary:
        temporary.write_text(printable(markdown(receipt)), encoding="utf-8")
    with atomic_write(folder / JSON_FILE) as temporary:
        temporary.write_text(json.dumps(receipt.to_dict(), indent=2) + "\n")


def read_receipt(folder: pathlib.Path) -> Receipt | None:
    """Returns the receipt of a compressed run; None where the folder holds none.

    Raises:
        RunError: receipt.json is damaged.
    """
    path = folder / JSON_FILE
    if not path.is_file():
        return None
    try:
        return Receipt.from_dict(json.loads(path.read_text()))
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} is no receipt of a compression ({error!r}): restore or remove it."
        ) from error
