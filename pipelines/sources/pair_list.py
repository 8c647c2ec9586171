"""`--pairs`: a list in a CSV file of pictures that show one scene in both domains."""

import csv
import pathlib

from cyclegan_keras.files.errors import DataError, first_few
from pipelines.sources.files import ListedPictures

HEADER = ["A", "B"]


def load(file: str) -> tuple[ListedPictures, ListedPictures]:
    """Reads a CSV file with the header `A,B` and one pair a row.

    Args:
        file: its path; the paths in it are relative to its folder.

    Returns:
        The pictures of A and of B, in the order of the rows; the header is row 1.

    Raises:
        DataError: the file cannot be read, has another form, or names a picture that is not there.
    """
    path = pathlib.Path(file).expanduser()
    rows = _rows(path, file)
    missing = [
        f"row {number}: {word}"
        for number, words in rows
        for word in words
        if not (path.parent / word).is_file()
    ]
    if missing:
        raise DataError(
            f"--pairs={file} names pictures that are not there: {first_few(missing)}."
            f" Paths are relative to {path.parent}."
        )

    def side(place: int) -> ListedPictures:
        names = [f"{path.name} row {number}: {words[place]}" for number, words in rows]
        return ListedPictures(names, [path.parent / words[place] for _, words in rows])

    return side(0), side(1)


def _rows(path: pathlib.Path, file: str) -> list[tuple[int, list[str]]]:
    """Returns (row number, [A, B]) of every row that is not blank."""
    try:
        # utf-8-sig: spreadsheets put a mark at the beginning.
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = csv.reader(stream, strict=True)
            rows = [(lines.line_num, [word.strip() for word in words]) for words in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"--pairs={file} cannot be read ({error}): expected a CSV file in UTF-8 with the "
            "header A,B and one pair of picture files a row."
        ) from error
    rows = [(number, words) for number, words in rows if any(words)]
    if not rows or rows[0][1] != HEADER:
        found = ",".join(rows[0][1]) if rows else "nothing"
        raise DataError(
            f"--pairs={file} begins with {found[:60]!r}: expected the header A,B, then one pair of "
            "picture files a row."
        )
    if len(rows) == 1:
        raise DataError(f"--pairs={file} holds no pair below its header: add rows or drop --pairs.")
    for number, words in rows[1:]:
        if len(words) != 2 or not all(words):
            raise DataError(
                f"--pairs={file} row {number} is {','.join(words)[:60]!r}: expected two picture "
                "files, A and B, with a comma between."
            )
    return rows[1:]
