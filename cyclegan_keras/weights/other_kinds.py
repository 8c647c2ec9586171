"""What a file is that is none of PyTorch's state dicts, by its first bytes or its entries."""

import codecs
import dataclasses
from collections.abc import Collection

HEAD_BYTES = 512  # of a file, which `other_kind` wants to see

_SAVE_WEIGHTS = 'torch.save({network}.state_dict(), "weights.pth")'


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        starts: bytes that such files have, each with its offset.
        sentence: what the file is, and what to do with it.
    """

    starts: tuple[tuple[int, bytes], ...]
    sentence: str


_UNPACK = "It is a compressed archive: unpack it and give the file of weights that lies in it."
_ONNX = (
    "It is an ONNX graph, which holds a network's operations and no state dict: give the file of "
    "weights that it was exported from."
)
_TFLITE = "It is a TFLite graph, whose file must end in .tflite: translate.py --model reads it."
_PICTURE = "It is a picture, and not a file of weights."
_FIRST_PYTORCH = (
    "It is a tar archive that PyTorch before version 0.2 wrote: read it by torch.load and write it "
    "again by torch.save in a newer version of PyTorch."
)
_KINDS = (
    Kind(
        ((0, b"version https://git-lfs"),),
        "It is a pointer of Git LFS, which names the file and does not hold it: fetch the file "
        "itself by `git lfs pull`.",
    ),
    Kind(((0, b"\x1f\x8b"),), _UNPACK),
    Kind(((0, b"BZh"),), _UNPACK),
    Kind(((0, b"\xfd7zXZ\0"),), _UNPACK),
    Kind(((0, b"7z\xbc\xaf\x27\x1c"),), _UNPACK),
    Kind(((0, b"Rar!"),), _UNPACK),
    Kind(((0, b"sys_info\0"), (257, b"ustar")), _FIRST_PYTORCH),
    Kind(((0, b"storages\0"), (257, b"ustar")), _FIRST_PYTORCH),
    Kind(((0, b"tensors\0"), (257, b"ustar")), _FIRST_PYTORCH),
    Kind(((0, b"pickle\0"), (257, b"ustar")), _FIRST_PYTORCH),
    Kind(
        ((257, b"ustar"),),
        "It is a tar archive: unpack it and give the file of weights that lies in it.",
    ),
    Kind(((4, b"TFL3"),), _TFLITE),
    Kind(((0, b"\x93NUMPY"),), "It is one array of NumPy, not the weights of a network by name."),
    Kind(((0, b"\x89PNG"),), _PICTURE),
    Kind(((0, b"\xff\xd8\xff"),), _PICTURE),
)


def other_kind(head: bytes, suffix: str) -> str | None:
    """Returns a sentence on what a file is and what to do, or None where nothing is known of it.

    Args:
        head: its first `HEAD_BYTES` bytes.
        suffix: how its name ends, such as ".onnx".
    """
    if not head:
        return "It is empty: download or copy it again."
    for kind in _KINDS:
        if all(head[offset : offset + len(part)] == part for offset, part in kind.starts):
            return kind.sentence
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return (
            "It is a web page: the server answered with a page instead of the file. Download the "
            "file itself."
        )
    names_a_producer = head[:1] == b"\x08" and any(
        word in head[:64] for word in (b"pytorch", b"onnx", b"tf2onnx", b"keras")
    )
    if suffix == ".onnx" or names_a_producer:
        return _ONNX
    if suffix in (".pb", ".pbtxt"):
        return (
            "It is a graph of TensorFlow: give the folder of its SavedModel to translate.py "
            "--model, or the checkpoint that it was made from."
        )
    if suffix == ".json":
        return (
            "It is a list of files, as safetensors in several parts have one, which are not read: "
            "join them to one file by safetensors.torch.save_file."
        )
    beginning = _text(head)
    if beginning is not None:
        return (
            f"It is a text that begins with {beginning!r}, perhaps what a server answered instead "
            "of the file. Download the file itself."
        )
    return None


def _text(head: bytes) -> str | None:
    """Returns how a text begins, or None where these bytes are no text."""
    try:
        # Its last character may be cut.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None
    words = " ".join(text.split())
    return words[:60] if words and words.isprintable() else None


def other_archive(names: Collection[str]) -> str | None:
    """Returns a sentence on what a zip archive is and what to do, or None for `torch.save`'s.

    Args:
        names: of its entries.
    """
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        save = _SAVE_WEIGHTS.format(network="torch.jit.load(path)")
        return (
            "It is a TorchScript archive, a network with its program. Save its weights alone where "
            f"PyTorch is: {save}."
        )
    if "archive_format" in inner or "models/model.json" in inner:
        return (
            "It is an archive of torch.export, a network with its program. Save its weights alone "
            'where PyTorch is: torch.save(torch.export.load(path).state_dict, "weights.pth").'
        )
    if {"config.json", "model.weights.h5"} <= set(names):
        return "It is a Keras model: give it a name that ends in .keras."
    if names and all(name.endswith(".npy") for name in names):
        return (
            "It is an archive of NumPy's arrays (.npz). A run's checkpoint is given as the "
            "directory of its run."
        )
    if not any(name.endswith("/data.pkl") for name in names):
        return (
            f"It is a zip archive of {len(names)} files without */data.pkl, which PyTorch's have: "
            "unpack it and give the file of weights that lies in it."
        )
    return None


def whole_network(name: str, keys: tuple[str | int, ...]) -> str:
    """Returns a sentence on a file that holds a network as an object of its program's class.

    Args:
        name: of the class.
        keys: that lead to it in what the file holds; none where the file holds it alone.
    """
    subscripts = "".join(f"[{key!r}]" for key in keys)
    save = _SAVE_WEIGHTS.format(network=f"torch.load(path, weights_only=False){subscripts}")
    return (
        f"It holds a whole network, an object of the class {name}, which only its program can "
        f"read. Save its weights alone where that program is: {save}."
    )
