"""The networks in dicts of tensors: each in one of its own, or side by side under prefixes."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from cyclegan_keras.weights.torch_networks import difference, is_known, without_wrappers

_DEEPEST = 8  # prefixes in front of a network's own keys
_OWN_PREFIXES = ("model", "net")  # with which the keys of known networks begin


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkStates:
    """The networks of a file.

    Attributes:
        states: the state dict of each network known here, by name.
        differing: the names of those that look like a network known here but differ from it, and
            how they do.
    """

    states: dict[str, dict[str, np.ndarray]]
    differing: dict[str, str]


def find_networks(dicts: Mapping[str, Mapping[str, np.ndarray]]) -> NetworkStates:
    """Finds the networks in a file's dicts of tensors; everything else in them is passed over.

    A network's keys may all begin with the same names, such as `generator_A2B.` where a program
    keeps several networks in one module, or `module.` and `_orig_mod.` where it wraps one.

    Args:
        dicts: arrays by key, by where the dict lies in the file.

    Returns:
        The networks. Each is named by where its dict lies and the prefix of its keys, without what
        all networks of the file have in common.
    """
    found = _Found()
    for place, arrays in dicts.items():
        path = tuple(place.split(".")) if place else ()
        _search(without_wrappers(arrays), path, found, depth=0)
    names = _short_names([*found.states, *found.differing])
    return NetworkStates(
        states={names[path]: state for path, state in found.states.items()},
        differing={names[path]: how for path, how in found.differing.items()},
    )


class _Found:
    """What `NetworkStates` holds, by the parts of the names."""

    def __init__(self):
        self.states: dict[tuple[str, ...], dict[str, np.ndarray]] = {}
        self.differing: dict[tuple[str, ...], str] = {}


def _search(arrays: dict[str, np.ndarray], path: tuple[str, ...], found: _Found, depth: int):
    """Adds the networks among `arrays` to `found`."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        prefix, _, rest = key.partition(".")
        if rest:  # a tensor alone, such as a loss or a step, is no part of a network
            groups.setdefault(prefix, {})[rest] = array
    for prefix, group in groups.items():
        own = {f"{prefix}.{key}": array for key, array in group.items()}
        how = None
        if prefix in _OWN_PREFIXES and is_known(own):
            how = difference(own)
            if how is None:
                found.states[path] = own
                continue
        # The prefix may be that of a program's own module, called as the reference's.
        inside = _Found()
        if depth < _DEEPEST:
            _search(group, (*path, prefix), inside, depth + 1)
        found.states |= inside.states
        if inside.states or how is None:
            found.differing |= inside.differing
        else:
            found.differing[path] = how


def _short_names(paths: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Returns the names of several networks, without the parts that all of them begin with."""
    common = 0
    if len(paths) > 1:
        shortest = min(len(path) for path in paths)
        while common < shortest - 1 and len({path[common] for path in paths}) == 1:
            common += 1
    return {path: ".".join(path[common:]) for path in paths}
