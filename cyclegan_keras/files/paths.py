"""Paths as users type them: whether two lead to one place, and what of one others may see."""

import os
import pathlib
from typing import Any


def same_path(first: str, second: str) -> bool:
    """Whether two paths lead to one place: relative or absolute, with `~`, slashes or links.

    Example:
        >>> same_path("photos/", "./photos")
        True
        >>> same_path("photos", "other/photos")
        False
    """
    return _resolved(first) == _resolved(second)


def without_folders(value: Any) -> Any:
    r"""Cuts paths of this machine to their last part, for files that others are given.

    A path is what begins with a slash, a tilde, a dot or the letter of a drive; several may be
    joined by commas.

    Args:
        value: nested lists and dicts as JSON holds them.

    Returns:
        The same with shorter strings.

    Example:
        >>> without_folders({"dataset": "/data/alice/horses", "model": "~/g.pth,C:\\f.pth"})
        {'dataset': 'horses', 'model': 'g.pth,f.pth'}
        >>> without_folders(["cycle_gan/horse2zebra", "../photos/", 256, None])
        ['cycle_gan/horse2zebra', 'photos', 256, None]
    """
    if isinstance(value, dict):
        return {key: without_folders(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(each) for each in value]
    if isinstance(value, str):
        return ",".join(_last_part(path) for path in value.split(","))
    return value


def _last_part(path: str) -> str:
    own = pathlib.PureWindowsPath(path.strip())  # which knows both kinds of slashes
    if path.strip().startswith(("/", "~", ".")) or own.drive:
        return own.name or path
    return path


def _resolved(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))
