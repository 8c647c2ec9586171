"""`hf://user/name` becomes files on this machine, fetched once and checked.

What a word names is found and fetched by `huggingface_hub` into its own cache, which HF_HOME moves.
A word means the same commit until the process ends, so that all parts of a command see one model.
"""

import dataclasses
import functools
import hashlib
import os
import pathlib
import re
import zipfile
from collections.abc import Sequence

from absl import logging

from cyclegan_keras.files.digest import add_file
from cyclegan_keras.files.errors import HubConnectionError, HubError, first_few
from cyclegan_keras.hub.client import (
    cache_folder,
    is_out_of_reach,
    open_client,
    speaking_to_the_hub,
)
from cyclegan_keras.hub.words import HubWord, names_hub, parse

# Formats that hold arrays and descriptions, and nothing that runs when they are read.
SAFE = (".keras", ".safetensors", ".tflite")
# Formats that are, or may hold, pickles or code.
UNSAFE = (".pth", ".pt", ".ckpt", ".bin", ".tar", ".pkl", ".pickle", ".h5", ".hdf5", ".pb", ".npy")
PATIENCE = 30.0  # seconds until an answer
ROLES = ("generator_g", "generator_f", "discriminator_x", "discriminator_y")
_SHA256, _GIT_SHA1 = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{40}")
_PICKLE_ADVICE = (
    "Only .keras, .safetensors and .tflite files are taken from the Hub. Ask its owner for "
    "safetensors; or, if you trust the repository, fetch the file by `hf download {repository} "
    "{file} --local-dir=.` and give its path: its arrays are read without executing anything."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fetched:
    """A model of the Hub as it lies on this machine.

    Attributes:
        word: what was asked for.
        commit: the revision of it, 40 hexadecimal digits.
        files: in the cache; at least one.
    """

    word: HubWord
    commit: str
    files: tuple[pathlib.Path, ...]


def local(word: str | os.PathLike) -> str:
    """Returns a word with its models of the Hub replaced by paths of this machine.

    Args:
        word: a model as options name it, such as `hf://anna/ponies@v1`,
            `generator_f=hf://anna/ponies`, `hf://anna/ponies/both.safetensors@netG`, or several of
            these and of others with commas.

    Returns:
        The same with paths; a word that names nothing on the Hub is unchanged. A repository with
        several networks becomes several paths with commas.

    Raises:
        HubError: there is no such model, it may not be read, or it has no file of a safe format.
        HubConnectionError: it is not in the cache, and the Hub cannot be reached; or what came is
            not what was announced.
        WriteError: the cache cannot be written, on a full disk for example.
    """
    word = os.fspath(word)
    if not names_hub(word):
        return word
    parts = []
    for part in word.split(","):
        asked = parse(part)
        if asked is None:
            parts.append(part)
            continue
        role = f"{asked.role}=" if asked.role else ""
        network = f"@{asked.network}" if asked.network else ""
        parts += [f"{role}{file}{network}" for file in fetch(asked).files]
    return ",".join(parts)


def name_of(word: str) -> str | None:
    """Returns what files made of a model of the Hub are called; None of any other.

    Example:
        >>> name_of("hf://anna/ponies@v1"), name_of("runs/ponies")
        ('ponies', None)
    """
    asked = parse(word.split(",")[0])
    return None if asked is None else asked.name


def pinned(word: str) -> str | None:
    """Returns the addresses of a word's models on the Hub with their commits; None without any.

    They are those of `local`, and lead to the same files for ever.

    Args:
        word: as `local` takes it.
    """
    if not names_hub(word):
        return None
    asked = [each for each in map(parse, word.split(",")) if each is not None]
    return ", ".join(each.at(fetch(each).commit) for each in asked)


@functools.cache
def fetch(word: HubWord) -> Fetched:
    """Returns the files of a model on the Hub, from the cache where they are there already.

    Raises:
        HubError, HubConnectionError, WriteError: see `local`.
    """
    if word.file:
        _refuse_unsafe(word, word.file)
    client = open_client(word.address)
    with speaking_to_the_hub(word.address, word.repository):
        try:
            info = client.model_info(word.repository, revision=word.revision, timeout=PATIENCE)
        except Exception as error:
            if not is_out_of_reach(error):
                raise
            fetched = _from_cache(word, error)
        else:
            names = [each.rfilename for each in info.siblings or []]
            fetched = _from_hub(client, word, info.sha, _chosen(word, names))
        for file in fetched.files:
            _check(word, file)
    listed = ", ".join(file.name for file in fetched.files)
    logging.info("%s is commit %s: %s.", word.address, fetched.commit[:10], listed)
    return fetched


def _from_hub(client, word: HubWord, commit: str, names: Sequence[str]) -> Fetched:
    """Fetches files of a commit; what is in the cache is not fetched again."""
    paths = [client.hf_hub_download(word.repository, name, revision=commit) for name in names]
    # Only now may the cache say where the branch is: what it knows of it is complete.
    client.hf_hub_download(word.repository, names[0], revision=word.revision)
    return Fetched(word=word, commit=commit, files=tuple(pathlib.Path(path) for path in paths))


def _from_cache(word: HubWord, error: Exception) -> Fetched:
    """Returns what was fetched before, where the Hub cannot be asked."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    is_offline = isinstance(error, OfflineModeIsEnabled)
    reason = "HF_HUB_OFFLINE is set" if is_offline else "the Hub cannot be reached"
    missing = (
        f"{word.address} is not in the cache {cache_folder()}, and {reason}: fetch it once with a "
        "network, or give the path of a file."
    )
    missing_error = HubError(missing) if is_offline else HubConnectionError(missing)
    try:
        folder = huggingface_hub.snapshot_download(
            word.repository, revision=word.revision, local_files_only=True
        )
    except LocalEntryNotFoundError as nothing:
        raise missing_error from nothing
    snapshot = pathlib.Path(folder)
    found = [
        path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()
    ]
    if word.file not in (None, *found) or not found:
        raise missing_error
    names = _chosen(word, found)
    logging.info("%s: %s, and what was fetched before is taken.", word.address, reason)
    files = tuple(snapshot / name for name in names)
    return Fetched(word=word, commit=snapshot.name, files=files)


# ---- which files ----


def _chosen(word: HubWord, names: Sequence[str]) -> list[str]:
    """Returns which files of a repository a word means.

    Args:
        word: what was asked for.
        names: the paths of all files in it.

    Raises:
        HubError: none of them, or it is not clear which.
    """
    if word.file:
        if word.file not in names:
            known = [name for name in names if name.endswith(SAFE)]
            those = f" It has {first_few(known)}." if known else ""
            raise HubError(f"{word.address}: {word.repository} has no such file.{those}")
        return [word.file]
    at_top = sorted(name for name in names if "/" not in name)
    for ending in (".keras", ".safetensors"):
        networks = [name for name in at_top if name.endswith(ending)]
        by_role = {role: f"{role}{ending}" for role in ROLES if f"{role}{ending}" in networks}
        if word.role in by_role:
            return [by_role[word.role]]
        if by_role and word.role:
            raise HubError(
                f"{word.address} holds {', '.join(by_role.values())}, and no {word.role}."
            )
        if by_role:
            return list(by_role.values())
        if len(networks) == 1:
            return networks
        if networks:
            raise HubError(
                f"{word.address} holds {first_few(networks)}: name one, as "
                f"{word.address}/{networks[0]}."
            )
    raise HubError(_on_nothing(word, names))


def _on_nothing(word: HubWord, names: Sequence[str]) -> str:
    """Returns a sentence on a repository without a network that is taken from the Hub."""
    deeper = [name for name in names if name.endswith(SAFE)]
    if deeper:
        return (
            f"{word.address} has no network at its top, but {first_few(deeper)}: name one, as "
            f"{word.address}/{deeper[0]}."
        )
    if "config.json" in names and "model.weights.h5" in names:
        return (
            f"{word.address} is a Keras model in several files: read it by "
            f'keras.saving.load_model("{word.address}"), save it as a .keras file, and give that.'
        )
    unsafe = [name for name in names if name.lower().endswith(UNSAFE)]
    if unsafe:
        advice = _PICKLE_ADVICE.format(repository=word.repository, file=unsafe[0])
        return (
            f"{word.address} holds only formats that may run code when they are read "
            f"({first_few(unsafe)}). {advice}"
        )
    return f"{word.address} holds no network: expected .keras or .safetensors files."


def _refuse_unsafe(word: HubWord, name: str) -> None:
    if name.lower().endswith(SAFE):
        return
    advice = _PICKLE_ADVICE.format(repository=word.repository, file=name)
    raise HubError(f"{word.address} is of a format that may run code when it is read. {advice}")


# ---- whether they are what was announced ----


def _check(word: HubWord, file: pathlib.Path) -> None:
    """Refuses a file of the cache that is damaged, or that is not what its name says.

    The client compares lengths alone. Its cache calls each file by the digest that the Hub has
    announced: SHA-256 of large files, git's SHA-1 of small ones.

    Raises:
        HubConnectionError: the digest is another; the file is removed from the cache.
        HubError: the file is of another format.
    """
    digest = pathlib.Path(os.readlink(file)).name if file.is_symlink() else ""
    found = None
    if _SHA256.fullmatch(digest):
        found = hashlib.sha256()
    elif _GIT_SHA1.fullmatch(digest):
        found = hashlib.sha1(b"blob %d\0" % file.stat().st_size)
    if found is not None:
        add_file(found, file)
    if found is not None and found.hexdigest() != digest:
        file.resolve().unlink()
        file.unlink()
        raise HubConnectionError(
            f"{word.address}: {file.name} is damaged: its digest is not that which the Hub "
            "announces. It is removed from the cache; the same command fetches it again."
        )
    if not _is_as_named(file):
        raise HubError(
            f"{word.address}: {file.name} is not a {file.suffix} file, whatever its name says, and "
            "other formats may run code when they are read."
        )


def _is_as_named(file: pathlib.Path) -> bool:
    """Whether the content of a file can be what its ending says."""
    if file.suffix == ".keras":
        if not zipfile.is_zipfile(file):
            return False
        with zipfile.ZipFile(file) as archive:
            return "config.json" in archive.namelist()
    with file.open("rb") as content:
        head = content.read(16)
    if file.suffix == ".tflite":
        return head[4:8] == b"TFL3"
    return head[8:9] == b"{"  # safetensors: the length of a JSON object, and the object
