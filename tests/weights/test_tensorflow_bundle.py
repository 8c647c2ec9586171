"""TensorFlow writes, and reads the same file as the oracle."""

import pathlib
import random
import shutil
import struct

import numpy as np
import pytest
import tensorflow as tf
from thorough import THOROUGH

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights import tensorflow_bundle
from cyclegan_keras.weights.tensorflow_bundle import read_bundle

PREFIX = pathlib.Path(__file__).parent / "keras_example_files" / "keras_2_15"


def save(prefix, arrays):
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=list(arrays.values()),
    )


def is_float(name):
    return "VARIABLE_VALUE" in name and "optimizer/" not in name.partition(".")[0]


def test_every_array_as_tensorflow_reads_it():
    reader = tf.train.load_checkpoint(str(PREFIX))
    found = read_bundle(PREFIX, is_float)
    assert found.keys() == {name for name in reader.get_variable_to_shape_map() if is_float(name)}
    assert len(found) > 100
    for name, array in found.items():
        np.testing.assert_array_equal(array, reader.get_tensor(name), strict=True)


def test_many_blocks_and_kinds(tmp_path):
    """Over 256 kB of index, so that it has several blocks."""
    rng = np.random.default_rng(0)
    arrays = {f"{'x' * 150}/{n:05d}": np.float32([n]) for n in range(8000)}
    arrays["double"], arrays["scalar"] = rng.normal(size=(2, 3)), np.float32(5)
    arrays["half"] = rng.normal(size=(1, 4)).astype("float16")
    save(tmp_path / "many", arrays)
    found = read_bundle(tmp_path / "many", lambda name: not name.endswith("7"))
    assert len(found) == 7203
    for name, array in found.items():
        np.testing.assert_array_equal(array, arrays[name], strict=True)


def test_shards(tmp_path):
    for number in (0, 1):
        save(tmp_path / f"part_{number}", {f"v{number}": np.full(3, number, "float32")})
    parts = [str(tmp_path / f"part_{number}") for number in (0, 1)]
    merged = str(tmp_path / "merged")
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=merged)
    found = read_bundle(merged, lambda name: True)
    assert {name: array.tolist() for name, array in found.items()} == {"v0": [0] * 3, "v1": [1] * 3}


def test_missing_and_unwanted(tmp_path):
    save(tmp_path / "a", {"text": tf.constant("words"), "ints": tf.constant([1])})
    assert read_bundle(tmp_path / "a", lambda name: False) == {}
    for name in ("text", "ints"):
        with pytest.raises(WeightsError, match=f"expected '{name}' to be floats"):
            read_bundle(tmp_path / "a", lambda other, name=name: other == name)
    with pytest.raises(OSError, match="none"):
        read_bundle(tmp_path / "none", is_float)
    (tmp_path / "short.index").write_bytes(b"no index")
    with pytest.raises(WeightsError, match="8 bytes"):
        read_bundle(tmp_path / "short", is_float)


def test_checksum(tmp_path):
    content = bytearray(PREFIX.with_name("keras_2_15.index").read_bytes())
    content[1000] ^= 1
    (tmp_path / "flip.index").write_bytes(content)
    with pytest.raises(WeightsError, match="checksum"):
        read_bundle(tmp_path / "flip", is_float)


def _forged(content, data_end, rng):
    """Changes the first block and repairs its checksum, which stops TensorFlow's own reader."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        content[rng.randrange(data_end)] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    crc = tensorflow_bundle._masked_crc(content[: data_end + 1])
    content[data_end + 1 : data_end + 5] = struct.pack("<I", crc)
    return content


def test_forged_indexes(tmp_path):
    rng = random.Random(0)
    save(tmp_path / "good", {f"gen_{n}/w": np.ones((n, 2), "float32") for n in range(1, 9)})
    content = (tmp_path / "good.index").read_bytes()
    shutil.copy(tmp_path / "good.data-00000-of-00001", tmp_path / "bad.data-00000-of-00001")
    data_end = tensorflow_bundle._varint(content, len(content) - 48)[0] - 5  # metadata follow
    outcomes = {"read": 0, "refused": 0}
    for _ in range(1500 if THOROUGH else 600):
        (tmp_path / "bad.index").write_bytes(_forged(content, data_end, rng))
        try:
            found = read_bundle(tmp_path / "bad", lambda name: True)
            assert sum(array.nbytes for array in found.values()) <= 8 * 36
            outcomes["read"] += 1
        except (WeightsError, FileNotFoundError):  # of another shard
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 50
