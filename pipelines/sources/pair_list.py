"""`--pairs`: a list in a CSV file of pictures that show one scene in both domains."""

import csv
import pathlib
from typing import NamedTuple

from cyclegan_keras.files.errors import DataError, first_few
from cyclegan_keras.images.reading import CURRENT
from pipelines.sources.files import ListedPictures

HEADER = ["A", "B"]


class Row(NamedTuple):
    """One row of the file; the header is row 1."""

    number: int
    cells: list[str]


def load(file: str, reader_version: int = CURRENT) -> tuple[ListedPictures, ListedPictures]:
    """Reads a CSV file with the header `A,B` and one pair a row.

    Args:
        file: its path; the paths in it are relative to its folder.
        reader_version: of the rules by which pictures are read.

    Returns:
        The pictures of A and of B, in the order of the rows.

    Raises:
        DataError: the file cannot be read, has another form, or names a picture that is not there.
    """
    path = pathlib.Path(file).expanduser()
    rows = _rows(path, file)
    missing = [
        f"row {row.number}: {cell}"
        for row in rows
        for cell in row.cells
        if not (path.parent / cell).is_file()
    ]
    if missing:
        raise DataError(
            f"--pairs={file} names pictures that are not there: {first_few(missing)}."
            f" Paths are relative to {path.parent}."
        )
    return _column(path, rows, 0, reader_version), _column(path, rows, 1, reader_version)


def _column(
    path: pathlib.Path, rows: list[Row], column: int, reader_version: int
) -> ListedPictures:
    return ListedPictures(
        names=[f"{path.name} row {row.number}: {row.cells[column]}" for row in rows],
        paths=[path.parent / row.cells[column] for row in rows],
        reader_version=reader_version,
    )


def _rows(path: pathlib.Path, file: str) -> list[Row]:
    """Returns every row below the header that is not blank."""
    try:
        # utf-8-sig: spreadsheets put a mark at the beginning.
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            rows = [Row(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"--pairs={file} cannot be read ({error}): expected a CSV file in UTF-8 with the "
            "header A,B and one pair of picture files a row."
        ) from error
    rows = [row for row in rows if any(row.cells)]
    if not rows or rows[0].cells != HEADER:
        found = ",".join(rows[0].cells) if rows else "nothing"
        raise DataError(
            f"--pairs={file} begins with {found[:60]!r}: expected the header A,B, then one pair of "
            "picture files a row."
        )
    rows = rows[1:]
    if not rows:
        raise DataError(f"--pairs={file} holds no pair below its header: add rows or drop --pairs.")
    for row in rows:
        if len(row.cells) != 2 or not all(row.cells):
            raise DataError(
                f"--pairs={file} row {row.number} is {','.join(row.cells)[:60]!r}: expected two "
                "picture files, A and B, with a comma between."
            )
    return rows
