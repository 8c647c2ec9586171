"""`hf://user/name` becomes files on this machine, fetched once and checked.

What a word names is found and fetched by `huggingface_hub` into its own cache, which HF_HOME moves.
A word means the same commit until the process ends, so that all parts of a command see one model.
"""

import dataclasses
import functools
import os
import pathlib
import re
import zipfile
from collections.abc import Sequence

from absl import logging

from cyclegan_keras.files.digest import git_sha1, sha256
from cyclegan_keras.files.errors import HubConnectionError, HubError, first_few
from cyclegan_keras.hub.client import (
    cache_folder,
    is_out_of_reach,
    open_client,
    speaking_to_the_hub,
    why_out_of_reach,
)
from cyclegan_keras.hub.words import HubWord, names_hub, near_address, parse

# Formats that hold arrays and descriptions, and nothing that runs when they are read.
SAFE = (".keras", ".safetensors", ".tflite")
# Formats that are, or may hold, pickles or code.
UNSAFE = (".pth", ".pt", ".ckpt", ".bin", ".tar", ".pkl", ".pickle", ".h5", ".hdf5", ".pb", ".npy")
SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")
PATIENCE = 30.0  # seconds until an answer
GENERATORS = ("generator_g", "generator_f")
ROLES = (*GENERATORS, "discriminator_x", "discriminator_y")
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contents:
    """What a revision of a repository holds.

    Attributes:
        commit: 40 hexadecimal digits.
        names: the paths of all files; of those in the cache where the Hub could not be asked.
        snapshot: the folder of the cache where the Hub could not be asked, or else None.
        reason: why it could not be asked; "" where it was.
    """

    commit: str
    names: tuple[str, ...]
    snapshot: pathlib.Path | None = None
    reason: str = ""


def local(word: str | os.PathLike) -> str:
    """Returns a model option with its models of the Hub replaced by paths of this machine.

    Args:
        word: what the option says, such as `hf://anna/ponies@v1`,
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
        for part in word.split(","):
            meant = near_address(part)
            if meant is not None:
                raise HubError(f"{part} is no file or folder. Did you mean {meant}?")
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

    Of several with commas, the first decides.

    Example:
        >>> name_of("hf://anna/ponies@v1"), name_of("runs/ponies")
        ('ponies', None)
        >>> name_of("hf://anna/ponies,a.keras"), name_of("a.keras,hf://anna/ponies")
        ('ponies', None)
    """
    asked = parse(word.split(",")[0])
    return None if asked is None else asked.name


def pinned(word: str) -> str | None:
    """Returns the addresses of a model option's models on the Hub with their commits.

    They are those of `local`, and lead to the same files permanently. Models that are not on the
    Hub are left out; None where none is.

    Args:
        word: as `local` takes it.
    """
    if not names_hub(word):
        return None
    asked = [each for each in map(parse, word.split(",")) if each is not None]
    return ", ".join(each.at_commit(fetch(each).commit) for each in asked)


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
        # Without a revision, the Hub and its cache speak of the branch "main".
        contents = _contents(word.repository, word.revision or "main")
        if contents.snapshot is None:
            names = _chosen(word, contents.names)
            files = _from_hub(client, word, contents.commit, names)
        else:
            names = _chosen_offline(word, contents)
            files = [contents.snapshot / name for name in names]
        for file in files:
            _check(word, file)
    if contents.reason:
        logging.info("%s", _on_the_cache(word, names, contents.reason))
    logging.info("%s is commit %s: %s.", word.address, contents.commit[:10], ", ".join(names))
    return Fetched(word=word, commit=contents.commit, files=tuple(files))


def forget_commits() -> None:
    """Lets the words of this process be looked up anew: they may name other commits now."""
    fetch.cache_clear()
    _contents.cache_clear()


@functools.cache
def _contents(repository: str, revision: str) -> Contents:
    """Returns what a revision holds, once for all words, whatever file or role they name."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    address = HubWord(repository=repository, revision=revision).address
    try:
        info = open_client(address).model_info(repository, revision=revision, timeout=PATIENCE)
    except Exception as error:
        if not is_out_of_reach(error):
            raise
        reason = why_out_of_reach(error)
    else:
        names = tuple(each.rfilename for each in info.siblings or [])
        return Contents(commit=info.sha, names=names)
    try:
        folder = huggingface_hub.snapshot_download(
            repository, revision=revision, local_files_only=True
        )
    except LocalEntryNotFoundError as nothing:
        raise _not_in_cache(address.removesuffix("@main"), reason) from nothing
    snapshot = pathlib.Path(folder)
    files = [path for path in snapshot.rglob("*") if path.is_file()]
    names = tuple(path.relative_to(snapshot).as_posix() for path in files)
    return Contents(commit=snapshot.name, names=names, snapshot=snapshot, reason=reason)


def _from_hub(client, word: HubWord, commit: str, names: Sequence[str]) -> list[pathlib.Path]:
    """Fetches files of a commit; what is in the cache is not fetched again."""
    paths = [client.hf_hub_download(word.repository, name, revision=commit) for name in names]
    # Only now may the cache say where the branch is: what it knows of it is complete.
    client.hf_hub_download(word.repository, names[0], revision=word.revision)
    return [pathlib.Path(path) for path in paths]


def _not_in_cache(address: str, reason: str) -> HubConnectionError:
    return HubConnectionError(
        f"{address} is not in the cache {cache_folder()}, and {reason}: fetch it once while the "
        "Hub answers, or give the path of a file."
    )


def _chosen_offline(word: HubWord, contents: Contents) -> list[str]:
    """Returns which files of the cache a word means, where the Hub could not be asked."""
    if word.file not in (None, *contents.names) or not contents.names:
        raise _not_in_cache(word.address, contents.reason)
    try:
        return _chosen(word, contents.names)
    except HubError as error:
        raise HubError(f"{error} Only the cache was looked at: {contents.reason}.") from error


def _on_the_cache(word: HubWord, names: Sequence[str], reason: str) -> str:
    """Returns a sentence on what was taken, where the Hub could not be asked.

    The cache does not know what else a repository has: of two generators it may hold one.
    """
    sentence = f"{word.address}: {reason}, and what was fetched before is taken."
    generators = [name for name in names if pathlib.PurePath(name).stem in GENERATORS]
    if len(generators) != 1 or word.file or word.role:
        return sentence
    return (
        f"{sentence} The cache holds {generators[0]} alone; if the repository has a second "
        "generator, fetch it once while the Hub answers."
    )


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
    deeper = [name for name in names if name.lower().endswith(SAFE)]
    if deeper:
        return (
            f"{word.address} has no network at its top, but {first_few(deeper)}: name one, as "
            f"{word.address}/{deeper[0]}."
        )
    if "config.json" in names and "model.weights.h5" in names:
        place = f'"hf://{word.repository}"'
        if word.revision:  # Keras takes none
            place = (
                f'huggingface_hub.snapshot_download("{word.repository}", '
                f'revision="{word.revision}")'
            )
        return (
            f"{word.address} is a Keras model in several files: read it by "
            f"keras.saving.load_model({place}), save it as a .keras file, and give that."
        )
    return _on_formats(word, names) or (
        f"{word.address} holds no network: expected .keras or .safetensors files."
    )


def _on_formats(word: HubWord, names: Sequence[str]) -> str | None:
    """Returns why none of these files is taken; None where none is of a format that is known."""
    graphs = [name for name in names if pathlib.PurePath(name).name in SAVED_MODEL]
    if graphs:
        return (
            f"{word.address}: a SavedModel ({graphs[0]}) is not taken from the Hub, because its "
            "graph may do anything when it is run. Ask its owner for a .keras file; or, if you "
            f"trust the repository, fetch it by `hf download {word.repository} --local-dir="
            f"{word.repository.partition('/')[2]}` and give translate.py the folder that holds "
            f"{pathlib.PurePath(graphs[0]).name}."
        )
    unsafe = [name for name in names if name.lower().endswith(UNSAFE)]
    if unsafe:
        advice = _PICKLE_ADVICE.format(repository=word.repository, file=unsafe[0])
        verb = "is of a format" if word.file else "holds only formats"
        pronoun = "it is" if word.file else "they are"
        return (
            f"{word.address} {verb} that may run code when {pronoun} read ({first_few(unsafe)}). "
            f"{advice}"
        )
    graphs = [name for name in names if name.lower().endswith(".onnx")]
    if graphs:
        return (
            f"{word.address}: ONNX ({first_few(graphs)}) is written by this program, and not read. "
            "Ask its owner for a .keras file, or run it by an ONNX runtime."
        )
    return None


def _refuse_unsafe(word: HubWord, name: str) -> None:
    if name.lower().endswith(SAFE):
        return
    raise HubError(
        _on_formats(word, [name])
        or f"{word.address}: expected the path of a .keras, .safetensors or .tflite file."
    )


# ---- whether they are what was announced ----


def _check(word: HubWord, file: pathlib.Path) -> None:
    """Refuses a file of the cache that is damaged, or that is not what its name says.

    The client compares lengths alone. Its cache calls each file by the digest that the Hub has
    announced: SHA-256 of large files, git's SHA-1 of small ones. A cache without symbolic links,
    as on some systems and network drives, does not say it, and the format alone is checked there.

    Raises:
        HubConnectionError: the digest is another; the file is removed from the cache.
        HubError: the file is of another format.
    """
    digest = pathlib.Path(os.readlink(file)).name if file.is_symlink() else ""
    if _SHA256.fullmatch(digest):
        found = sha256(file)
    elif _GIT_SHA1.fullmatch(digest):
        found = git_sha1(file)
    else:
        found = digest
    if found != digest:
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
