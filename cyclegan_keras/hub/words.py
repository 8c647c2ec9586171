"""What a word such as `hf://user/name@revision/generator_g.keras` says."""

import dataclasses
import os
import re
import urllib.parse

from cyclegan_keras.files.errors import HubError

PREFIX = "hf://"
EXPECTED = "expected hf://user/name, hf://user/name@revision or hf://user/name/generator_g.keras"
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"{_PART}/{_PART}")
_REFERENCE = "refs/(?:pr|convert)/[^/@]+"  # the only revisions whose slashes are not quoted
_WORD = re.compile(
    r"(?:(?P<role>[a-z_]+)=)?hf://"
    r"(?P<repository>[^/@]+/[^/@]+)"
    rf"(?:@(?P<revision>{_REFERENCE}|[^/@]+))?"
    r"(?:/(?P<file>[^@]*[^/@])(?:@(?P<network>.+))?)?/?"
)
_BEGINNING = re.compile(r"(?:[a-z_]+=)?hf://")
# What is typed or copied instead: an address of a browser, other slashes, capital letters.
_NEAR = re.compile(
    r"(?P<role>[a-z_]+=)?(?:(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/|hf:/*)"
    rf"(?P<repository>{_PART}/{_PART})"
    r"(?:@(?P<at>[^/@]+)|/(?:tree|blob|resolve)/(?P<in_path>[^/@?]+))?"
    r"(?:/(?P<file>[^@?]*[^/@?]))?/?(?:\?.*)?",
    re.IGNORECASE,
)
_KINDS = ("datasets", "spaces", "models", "buckets", "kernels")  # how other addresses begin


@dataclasses.dataclass(frozen=True, kw_only=True)
class HubWord:
    """A model on the Hub.

    Attributes:
        repository: "user/name".
        revision: a branch, a tag or a commit; None for the newest commit of the main branch.
        file: the path of one file in it; None for all of its networks.
        network: of several in that file; None where none is named.
        role: of the network, which a word may have in front, as in `generator_f=hf://...`; "".
    """

    repository: str
    revision: str | None = None
    file: str | None = None
    network: str | None = None
    role: str = ""

    @property
    def name(self) -> str:
        """What files that are made of it are called by default."""
        if self.file:
            return self.file.rpartition("/")[2].rpartition(".")[0]
        return self.repository.partition("/")[2]

    @property
    def address(self) -> str:
        """The word without role and network, as sentences show it."""
        file = f"/{self.file}" if self.file else ""
        return f"{address_of(self.repository, self.revision)}{file}"

    def at_commit(self, commit: str) -> str:
        """Returns the address of the same at a commit, which never changes."""
        return dataclasses.replace(self, revision=commit).address


def address_of(repository: str, revision: str | None) -> str:
    """Returns what names a revision of a repository on the command line; `parse` takes it.

    Args:
        repository: "user/name".
        revision: a branch, a tag or a commit; None for the main branch.

    Example:
        >>> address_of("anna/ponies", "try/1"), address_of("anna/ponies", "refs/pr/1")
        ('hf://anna/ponies@try%2F1', 'hf://anna/ponies@refs/pr/1')
    """
    if not revision:
        return f"{PREFIX}{repository}"
    safe = "/" if re.fullmatch(_REFERENCE, revision) else ""
    return f"{PREFIX}{repository}@{urllib.parse.quote(revision, safe=safe)}"


def names_hub(word: str) -> bool:
    """Whether a word, or one of several with commas, names something on the Hub.

    Example:
        >>> names_hub("generator_f=hf://anna/ponies"), names_hub("runs/ponies")
        (True, False)
    """
    return any(_is_of_hub(part) for part in word.split(","))


def parse(word: str) -> HubWord | None:
    """Returns what a word names on the Hub; None where it names something else.

    Args:
        word: one word, without commas.

    Raises:
        HubError: it begins like an address of the Hub, and is none.

    Example:
        >>> parse("hf://anna/ponies@v1/generator_f.keras").revision
        'v1'
        >>> parse("runs/ponies") is None
        True
    """
    word = word.strip()
    if not _is_of_hub(word):
        return None
    found = _WORD.fullmatch(word)
    if found is None or found["repository"].partition("/")[0] in _KINDS:
        raise HubError(f"{word} is no model on the Hub: {EXPECTED}.")
    check_repository(found["repository"], word)
    revision = found["revision"]
    file = found["file"]
    if file and ".." in file.split("/"):
        raise HubError(f"{word}: {file} leads out of the repository; {EXPECTED}.")
    return HubWord(
        repository=found["repository"],
        revision=urllib.parse.unquote(revision) if revision else None,
        file=file or None,
        network=found["network"],
        role=found["role"] or "",
    )


def near_address(word: str) -> str | None:
    """Returns the address that was meant by what is copied from a browser, or nearly one.

    Args:
        word: one word, without commas, that names nothing on the Hub.

    Returns:
        The address; None of a word that names something here or elsewhere.

    Example:
        >>> near_address("https://huggingface.co/anna/ponies/tree/v1"), near_address("runs/a")
        ('hf://anna/ponies@v1', None)
    """
    found = _NEAR.fullmatch(word.strip())
    if found is None or os.path.exists(word) or found["repository"].partition("/")[0] in _KINDS:
        return None
    named = found["at"] or found["in_path"]
    revision = f"@{named}" if named and named != "main" else ""
    file = f"/{found['file']}" if found["file"] else ""
    return f"{found['role'] or ''}{PREFIX}{found['repository']}{revision}{file}"


def check_repository(name: str, word: str) -> None:
    """Raises HubError unless `name` can be that of a repository.

    Args:
        name: such as "user/name".
        word: what was typed, for the sentence.
    """
    if not _REPOSITORY.fullmatch(name) or "--" in name or ".." in name:
        raise HubError(
            f"{word}: {name!r} can be no repository: expected user/name of letters, digits and "
            "- _ . between them."
        )


def _is_of_hub(part: str) -> bool:
    return _BEGINNING.match(part.strip()) is not None
