"""Tells models apart by what their files hold."""

import hashlib
import pathlib
from collections.abc import Iterable

from cyclegan_keras.files.digest import add_file
from cyclegan_keras.files.errors import TranslationError


def fingerprint(place: str) -> str:
    """Returns a digest of a model: equal for the same weights, wherever they lie.

    Args:
        place: a file, a run (its newest checkpoint counts), a folder, the prefix of a checkpoint's
            files, or several of these with commas.

    Raises:
        TranslationError: there is no such file or folder.
    """
    digest = hashlib.sha256()
    for part in place.split(","):
        path = pathlib.Path(part.strip()).expanduser()
        files = list(_files(path))
        if not files:
            raise TranslationError(f"--model={part}: there is no such model.")
        for file in files:
            digest.update(f"{file.name if path.is_dir() else ''}\0".encode())
            add_file(digest, file)
    return digest.hexdigest()[:16]


def _files(path: pathlib.Path) -> Iterable[pathlib.Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        if checkpoints := sorted(path.glob("checkpoints/step_*.npz")):
            return checkpoints[-1:]
        return sorted(p for p in path.rglob("*") if p.is_file() and p.name[0] != ".")
    return sorted(path.parent.glob(f"{path.name}.*"))
