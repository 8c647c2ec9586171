"""Whether two paths lead to one place, however they are spelled."""

import os


def same_path(first: str, second: str) -> bool:
    """Whether two paths lead to one place: relative or absolute, with `~`, slashes or links.

    Example:
        >>> same_path("photos/", "./photos")
        True
        >>> same_path("photos", "other/photos")
        False
    """
    return _resolved(first) == _resolved(second)


def _resolved(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))
