"""Reads and writes files of safetensors."""

import os
import pathlib
from collections.abc import Mapping

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights.torch_tensors import check_key

_DTYPES = {
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "BOOL": np.dtype("bool"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I16": np.dtype("<i2"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
}


def is_safetensors(head: bytes) -> bool:
    """Whether a file is one of safetensors, by how it begins."""
    # The length of a description in JSON, and its beginning.
    return head[8:10] in (b'{"', b"{}", b"{ ") and int.from_bytes(head[:8], "little") < 2**27


def read_safetensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Returns the arrays of a file of safetensors, by key, in the order of the keys.

    Raises:
        WeightsError: the file is damaged, or has numbers of a type that no weights have.
        OSError: the file is missing or cannot be read.
    """
    try:
        described = deserialize(pathlib.Path(path).read_bytes())
    except SafetensorError as error:
        raise WeightsError(
            f"{path} cannot be read: it is damaged or no file of safetensors ({error})."
        ) from error
    arrays = {}
    # `deserialize` returns them in another order each time.
    for key, array in sorted(described, key=lambda pair: pair[0]):
        try:
            check_key(key)
        except TypeError as error:
            raise WeightsError(
                f"{path} cannot be read: {key[:100]!a} is {error}, which no array is called."
            ) from error
        dtype = _DTYPES.get(array["dtype"])
        if dtype is None:
            raise WeightsError(
                f"{path} cannot be read: {key} holds numbers of the type {array['dtype']}, "
                f"expected one of {list(_DTYPES)}."
            )
        arrays[key] = np.frombuffer(array["data"], dtype).reshape(array["shape"])
    return arrays


def write_safetensors(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as a file of safetensors; one that exists is replaced once this one is whole.

    Raises:
        WriteError: the file cannot be written.
    """
    contiguous = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    # Its own way to write a file raises no OSError where the disk is full.
    data = save(contiguous, metadata={"format": "pt"})
    with atomic_write(pathlib.Path(path)) as temporary:
        temporary.write_bytes(data)
