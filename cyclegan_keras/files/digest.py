"""Digests of files and folders."""

import hashlib
import pathlib

from cyclegan_keras.files.names import name_bytes

BLOCK_BYTES = 2**20


def sha256(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file, or of all files of a folder in the order of their names."""
    digest = hashlib.sha256()
    if path.is_file():
        add_file(digest, path)
        return digest.hexdigest()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(name_bytes(file.relative_to(path).as_posix()))
        add_file(digest, file)
    return digest.hexdigest()


def git_sha1(path: pathlib.Path) -> str:
    """Returns the digest by which git, and the Hugging Face Hub, name the content of a file."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    add_file(digest, path)
    return digest.hexdigest()


def add_file(digest, path: pathlib.Path) -> None:
    """Updates a `hashlib` digest with the bytes of a file, one block at a time."""
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
