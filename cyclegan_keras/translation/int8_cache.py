"""The int8 graphs of a model, made once and kept beside it.

They lie in a hidden folder `.int8` inside a run or beside a model's file; where that cannot be
written, and for models of the Hub, in the user's own folder for such files. A file is named by the
digest of all that shows in it, and ends with the digest of its content, so that a damaged one is
seen and made again.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import pathlib
import time
from collections.abc import Sequence

import keras
import numpy as np
from absl import logging

from cyclegan_keras.export.tflite import int8_graph
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import WriteError
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.hub import client
from cyclegan_keras.runs.sources import find_source
from cyclegan_keras.weights.networks import split_network
from cyclegan_keras.weights.starting import split_role

FOLDER = ".int8"
GRAPH_VERSION = 1  # of what `int8_graph` makes of the same network by the same packages
PACKAGES = ("tensorflow", "ai-edge-quantizer")
MOST_FILES = 16  # in one folder; those that were not used for the longest time go first
DIGEST_BYTES = 32


class Int8Cache:
    """The int8 graphs of one network.

    Args:
        network: the generator.
        folders: where graphs may be kept, the best place first; none keeps them in memory alone.
    """

    def __init__(self, network: keras.Model, folders: Sequence[pathlib.Path] = ()):
        self._network = network
        self._folders = list(folders)
        self._digest: str | None = None

    def __call__(self, size: tuple[int, int] | None) -> bytes:
        """Returns the graph for a size in px, or with None that for all sizes.

        Raises:
            ExportError: the network takes no pictures of that size.
        """
        name = self._name(size)
        for folder in self._folders:
            graph = _read(folder / name)
            if graph is not None:
                return graph
        words = self._network.description.words
        if size is None:
            logging.info("Preparing the int8 graph of %s (once per model) ...", words)
        else:
            sides = f"{size[1]}x{size[0]}"
            logging.info(
                "Preparing the int8 graph of %s for %s pictures (once per size) ...", words, sides
            )
        began = time.monotonic()
        graph = int8_graph(self._network, size)
        kept = _write_to_first(self._folders, name, graph)
        where = f"kept in {kept}" if kept else "not kept, since no folder for it can be written"
        logging.info("The int8 graph took %.1f s; it is %s.", time.monotonic() - began, where)
        return graph

    def _name(self, size: tuple[int, int] | None) -> str:
        if self._digest is None:
            self._digest = network_digest(self._network)
        digest = hashlib.sha256(f"{self._digest} {size}".encode())
        return f"{digest.hexdigest()[:32]}.tflite"


def network_digest(network: keras.Model) -> str:
    """Returns the digest of all that shows in a network's graphs.

    That is its shape, its weights, and the packages that make the graphs.
    """
    config = {key: value for key, value in network.get_config().items() if key != "name"}
    about = {
        "graph": GRAPH_VERSION,
        "network": type(network).__name__,
        "config": config,
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
        # Dropout that is active at test is drawn by the names of layers.
        "layers": [layer.name for layer in network.layers],
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode())
    for weight in network.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def folders_for(model: str) -> list[pathlib.Path]:
    """Returns where the graphs of a model may be kept, the best place first.

    Args:
        model: as `open_translators` takes it, its models of the Hub replaced by paths.
    """
    first = model.split(",")[0]
    source = find_source(first)
    if source is not None:
        beside = source.directory
    else:
        path = split_network(split_role(first)[1])[0]
        beside = path if path.is_dir() else path.parent
    if _is_of_hub(beside):
        return [user_folder()]  # its cache holds what the Hub has, and nothing else
    return [beside / FOLDER, user_folder()]


def user_folder() -> pathlib.Path:
    """Returns the folder of this user for graphs that cannot lie beside their model."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "cyclegan-keras" / "int8"


def _is_of_hub(folder: pathlib.Path) -> bool:
    try:
        cache = client.cache_folder()
    except ImportError:  # without the extra [hub], nothing is fetched
        return False
    return folder.resolve().is_relative_to(cache.resolve())


def _read(path: pathlib.Path) -> bytes | None:
    """Returns the graph in a file, or None where there is none or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    graph, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    if hashlib.sha256(graph).digest() != digest:
        logging.warning("%s is damaged: it is made again.", path)
        return None
    with contextlib.suppress(OSError):  # it may be somebody else's
        os.utime(path)  # it was used now
    return graph


def _write_to_first(
    folders: Sequence[pathlib.Path], name: str, graph: bytes
) -> pathlib.Path | None:
    """Writes a graph to the first folder that can be written, and returns its path."""
    for folder in folders:
        path = folder / name
        try:
            make_folder(folder)
            with atomic_write(path, shared=True) as temporary:
                temporary.write_bytes(graph + hashlib.sha256(graph).digest())
        except WriteError:
            continue
        _forget_oldest(folder)
        return path
    return None


def _forget_oldest(folder: pathlib.Path) -> None:
    """Removes the files beyond `MOST_FILES`; another process may remove some at the same time."""
    found = []
    for path in folder.glob("*.tflite"):
        try:
            found.append((path.stat().st_mtime_ns, path))
        except OSError:
            continue
    for _, path in sorted(found, reverse=True)[MOST_FILES:]:
        path.unlink(missing_ok=True)
