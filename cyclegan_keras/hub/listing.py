"""Which files of a repository this program uploaded, so that its next upload removes old ones.

A folder that is uploaded has a file `uploaded.json`, which names all others with their digests.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence

from cyclegan_keras.files.digest import git_sha1, sha256

NAME = "uploaded.json"
MADE_BY = "cyclegan-keras"


def write_listing(folder: pathlib.Path) -> None:
    """Writes the list of all files that a folder holds, into the folder."""
    files = {
        # The Hub knows large files by the first and small ones by the second.
        path.relative_to(folder).as_posix(): {"sha256": sha256(path), "git_sha1": git_sha1(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME
    }
    content = {"made_by": MADE_BY, "files": files}
    (folder / NAME).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_listing(path: pathlib.Path) -> dict[str, list[str]]:
    """Returns the digests of each file of a list; none where it is no list of this program."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["made_by"] != MADE_BY:
            return {}
        return {name: list(digests.values()) for name, digests in content["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def files_to_remove(
    listed: Mapping[str, Sequence[str]], there: Mapping[str, str], new: Sequence[str]
) -> list[str]:
    """Returns which files of a repository an upload removes.

    They are those that were uploaded before, are what they were then, and are not uploaded now.

    Args:
        listed: of `read_listing`, of the upload before.
        there: the digest of each file of the repository, as the Hub gives it.
        new: what is uploaded now.

    Example:
        >>> there = {"generator_g.keras": "1a", "generator_f.keras": "2b", "notes.md": "3c"}
        >>> listed = {"generator_g.keras": ["1a"], "generator_f.keras": ["2b"]}
        >>> files_to_remove(listed, there, ["generator_g.keras"])
        ['generator_f.keras']
    """
    return [
        name
        for name, digest in sorted(there.items())
        if digest in listed.get(name, []) and name not in new
    ]
