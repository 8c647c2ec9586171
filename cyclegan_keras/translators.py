"""Opens models for translating (stand-in)."""

import json
import pathlib

import tensorflow as tf

from cyclegan_keras import checkpoints
from cyclegan_keras.inference import InferenceError, Translator


def open_translators(place, *, max_memory_mb=None, tile_size=None):
    """Opens them."""
    path = pathlib.Path(place).expanduser()
    if path.is_dir():
        options = json.loads((path / "options.json").read_text())
        _, networks = checkpoints.networks_of_run(path, averages=True)
        ways = ["AtoB", "BtoA"] if options.get("direction") != "BtoA" else ["BtoA", "AtoB"]
        found = dict(zip(ways, (networks["generator_g"], networks["generator_f"]), strict=False))
    elif path.exists():
        network = checkpoints.load_network(path)
        found = {network.description.direction: network}
    else:
        raise InferenceError(f"{place} does not exist.")
    return {way: Translator(_call(n), n.description) for way, n in found.items()}


def _call(network):
    graph = tf.function(lambda x: network(x, training=False), reduce_retracing=True)
    return lambda images: graph(tf.constant(images)).numpy()
