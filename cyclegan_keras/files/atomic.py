"""Writing a file so that nobody ever sees half of it."""

import contextlib
import os
import pathlib
import secrets
from collections.abc import Iterator

from cyclegan_keras.files.writing import writing


@contextlib.contextmanager
def atomic_write(path: pathlib.Path, *, shared: bool = False) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path` and renames it when the block succeeds.

    Whoever reads `path` sees the old file or the whole new one, also after a crash or a full disk,
    and with `shared` also where several processes write `path` at the same time.

    Args:
        path: the file to write.
        shared: whether several processes may write it at the same time.

    Raises:
        WriteError: the disk is full, for example; what `path` held before is intact.
    """
    name = secrets.token_hex(8) if shared else path.stem
    temporary = path.parent / f".{name}.partial{path.suffix}"  # of "." too, which has no name
    with writing(path):
        try:
            yield temporary
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
