"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Returns a table; line breaks in cells become spaces and bars are escaped.

    Example:
        >>> print(table(["flag", "meaning"], [["--a", "x | y"]]))
        | flag | meaning |
        |---|---|
        | --a | x \| y |
    """
    lines = [_row(header), "|" + "---|" * len(header)]
    return "\n".join([*lines, *(_row(cells) for cells in rows)])


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("\n", " ").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
