"""Which pictures a run was trained on, wherever they lie now.

A run knows its pictures by their fingerprints, which do not change when a folder is moved or
renamed: the entries of "data" in facts.json, which are "name", the place, and by folder the count
and the fingerprint.
"""

from collections.abc import Mapping, Sequence
from typing import Any

TRAINING = ("trainA", "trainB")
PAIRS = ("pairsA", "pairsB")


def knows_pictures(facts: Mapping[str, Any], folders: Sequence[str] = TRAINING) -> bool:
    """Whether the facts of a run hold the fingerprints of these folders."""
    data = facts.get("data", {})
    return all(isinstance(data.get(folder), Mapping) for folder in folders)


def differing(
    before: Mapping[str, Any], now: Mapping[str, Any], folders: Sequence[str] | None = None
) -> list[str]:
    """Returns in words in which folders pictures differ, whatever the places are called.

    Args:
        before: "data" of facts.json.
        now: the same of the pictures at hand.
        folders: which to compare; all that are at hand unless given.

    Example:
        >>> before = {"name": "photos", "trainA": {"count": 3, "sha256": "a"}}
        >>> differing(before, {"name": "/mnt/photos", "trainA": {"count": 4, "sha256": "b"}})
        ['trainA had 3 and now has 4']
    """
    found = []
    for folder in folders or [name for name in now if name != "name"]:
        entry, entry_before = now[folder], before.get(folder, {})
        # Runs of earlier versions know less of their pictures.
        known = entry.keys() & entry_before.keys()
        if known and all(entry[name] == entry_before[name] for name in known):
            continue
        count, count_before = entry["count"], entry_before.get("count", 0)
        if count == count_before:
            found.append(f"{folder} has {count} as before, but with other names, sizes or contents")
        else:
            found.append(f"{folder} had {count_before} and now has {count}")
    return found
