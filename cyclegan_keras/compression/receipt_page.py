"""A receipt as a section of the report page."""

import pathlib

import numpy as np
from PIL import Image

from cyclegan_keras.compression import before_after, receipt_text
from cyclegan_keras.compression.receipt import Receipt
from cyclegan_keras.compression.receipt_files import read_receipt
from cyclegan_keras.report.section import Section


def compression_section(folder: pathlib.Path) -> Section | None:
    """Returns the section of a compressed run; None for a run that is no compression.

    Args:
        folder: of the run.

    Raises:
        RunError: its receipt is damaged.
    """
    receipt = read_receipt(folder)
    if receipt is None:
        return None
    path = folder / before_after.FILE
    picture = None
    if path.is_file():
        with Image.open(path) as file:
            picture = np.asarray(file.convert("RGB"))
    return Section(
        title=receipt_text.title(receipt),
        paragraphs=receipt_text.headline(receipt),
        picture=picture,
        picture_words=f"From left to right: {_kind(receipt)} pictures, the teacher's translations, "
        "those of the student",
        tables=receipt_text.tables(receipt),
        facts=receipt_text.facts(receipt),
        notes=receipt_text.notes(receipt),
    )


def _kind(receipt: Receipt) -> str:
    judged = [each.quality for each in receipt.directions if each.quality is not None]
    return "held-out" if all(each.is_held_out for each in judged) else "training"
