"""Names of files, which the system holds as bytes that need not be text."""

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator


def name_bytes(name: str) -> bytes:
    r"""Returns a name, or a text with names in it, as bytes: those that the system holds.

    In Python a surrogate stands for a byte that is not UTF-8, and `str.encode` refuses it.

    Example:
        >>> name_bytes("caf\udce9.png")
        b'caf\xe9.png'
    """
    return name.encode("utf-8", "surrogateescape")


def is_utf8(name: str) -> bool:
    r"""Returns whether a name is UTF-8, as libraries of other languages expect it.

    Example:
        >>> is_utf8("caf\udce9.png")
        False
    """
    return not any("\udc80" <= character <= "\udcff" for character in name)


@contextlib.contextmanager
def under_utf8_name(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a path of the same file or folder that is UTF-8, for libraries that take no other.

    It is `path` itself wherever possible, and else leads there through a link in a temporary
    folder, which is removed at the end.

    Args:
        path: of something that exists; where nothing does, it is yielded as it is.
    """
    if is_utf8(str(path)) or not path.exists():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = pathlib.Path(folder, f"link{path.suffix if is_utf8(path.suffix) else ''}")
        link.symlink_to(path.absolute())
        yield link


def printable(text: str) -> str:
    r"""Returns a text whose bytes that are not UTF-8 are written as escapes.

    Example:
        >>> print(printable("caf\udce9.png"))
        caf\udce9.png
    """
    return text.encode("utf-8", "backslashreplace").decode()
