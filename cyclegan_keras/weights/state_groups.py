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
        beside: the keys of arrays that lie in one dict with a network's own and belong to no
            network, by its name: a program may use them with it.
    """

    states: dict[str, dict[str, np.ndarray]]
    differing: dict[str, str]
    beside: dict[str, list[str]]


def find_networks(dicts: Mapping[str, Mapping[str, np.ndarray]]) -> NetworkStates:
    """Finds the networks in a file's dicts of tensors; everything else in them is passed over.

    A network's keys may all begin with the same names, such as `generator_A2B.` where a program
    keeps several networks in one module, or `module.` and `_orig_mod.` where it wraps one.

    Args:
        dicts: arrays by key, by where the dict lies in the file.

    Returns:
        The networks. Each is named by where its dict lies and the prefix of its keys, without what
        all networks of the file have in common. One that has neither is called "" where it is the
        only one, and "root" beside others.
    """
    found = _Found()
    for name, arrays in dicts.items():
        path = tuple(name.split(".")) if name else ()
        _search(without_wrappers(arrays), path, found, depth=0)
    names = _short_names([*found.states, *found.differing])
    return NetworkStates(
        states={names[path]: state for path, state in found.states.items()},
        differing={names[path]: how for path, how in found.differing.items()},
        beside={names[path]: keys for path, keys in found.beside.items()},
    )


class _Found:
    """What `NetworkStates` holds, by the parts of the names."""

    def __init__(self):
        self.states: dict[tuple[str, ...], dict[str, np.ndarray]] = {}
        self.differing: dict[tuple[str, ...], str] = {}
        self.beside: dict[tuple[str, ...], list[str]] = {}

    def add(self, path: tuple[str, ...], state: dict[str, np.ndarray]) -> tuple[str, ...]:
        """Adds a network; returns its path, which is longer where another one has that path."""
        while path in self.states:
            path = (*path, next(iter(state)).partition(".")[0])
        self.states[path] = state
        return path


def _search(arrays: dict[str, np.ndarray], path: tuple[str, ...], found: _Found, depth: int):
    """Adds the networks among `arrays` to `found`."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    others = []  # keys of arrays that belong to no network
    for key, array in arrays.items():
        prefix, _, rest = key.partition(".")
        if rest:
            groups.setdefault(prefix, {})[rest] = array
        else:  # a tensor alone, such as a loss or a step
            others.append(key)
    own_path = None
    for prefix, group in groups.items():
        own = {f"{prefix}.{key}": array for key, array in group.items()}
        how = None
        if prefix in _OWN_PREFIXES and is_known(own):
            how = difference(own)
            if how is None:
                own_path = found.add(path, own)
                continue
        # The prefix may be that of a program's own module, called as the reference's.
        inside = _Found()
        if depth < _DEEPEST:
            _search(group, (*path, prefix), inside, depth + 1)
        for inner_path, state in inside.states.items():
            inner_beside = inside.beside.get(inner_path)
            inner_path = found.add(inner_path, state)
            if inner_beside:
                found.beside[inner_path] = inner_beside
        if inside.states or how is None:
            found.differing |= inside.differing
        else:
            found.differing[path] = how
        if not inside.states and not inside.differing and how is None:
            others += own
    if own_path is not None and others:
        found.beside[own_path] = others


def _short_names(paths: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Returns the names of several networks, without the parts that all of them begin with."""
    common = 0
    if len(paths) > 1:
        shortest = min(len(path) for path in paths)
        while common < shortest - 1 and len({path[common] for path in paths}) == 1:
            common += 1
    names = {path: ".".join(path[common:]) for path in paths}
    if len(names) > 1 and () in names:
        names[()] = "root"
        while list(names.values()).count(names[()]) > 1:
            names[()] += "_2"
    return names
