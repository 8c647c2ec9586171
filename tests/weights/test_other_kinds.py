import pytest

from cyclegan_keras.weights.other_kinds import other_archive, other_kind, whole_network

TAR = bytes(257) + b"ustar"


@pytest.mark.parametrize(
    ("head", "suffix", "words"),
    [
        (b"", ".pth", "It is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", ".pth", "git lfs pull"),
        (b"\n <!doctype html><html>", ".pth", "web page"),
        (b"<html><head>", ".safetensors", "web page"),
        (b"Not Found", ".pth", "text that begins with 'Not Found'"),
        (b'{"error": "Entry not found"}', ".pth", "a server answered"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code>', ".pth", "a server answered"),
        (b"\xef\xbb\xbfNicht gefunden: \xc3", ".keras", "begins with 'Nicht gefunden:'"),
        (b"\x1f\x8b\x08\0", ".gz", "compressed archive: unpack"),
        (b"7z\xbc\xaf\x27\x1c", ".7z", "compressed archive: unpack"),
        (b"weights.pth" + TAR[11:], ".tar", "tar archive: unpack"),
        (b"sys_info" + TAR[8:], ".pth", "PyTorch before version 0.2"),
        (b"\x08\x08\x12\x07pytorch", ".pth", "ONNX graph"),
        (b"anything", ".onnx", "ONNX graph"),
        (b"anything", ".pb", "graph of TensorFlow"),
        (b"\x1c\0\0\0TFL3", ".pth", "TFLite graph"),
        (b"\x93NUMPY", ".npy", "array of NumPy"),
        (b"\x89PNG", ".png", "picture"),
        (b'{"metadata": {}', ".json", "in several parts"),
        (b"PK\x03\x04", ".pth", None),
        (b"\x80\x02\x8a\n", ".pth", None),
        (b"}\0\0\0\0\0\0\0{", ".safetensors", None),
        (b"?\x01", ".pth", None),
    ],
)
def test_a_file_is_called_by_its_name(head, suffix, words):
    sentence = other_kind(head, suffix)
    assert sentence is None if words is None else words in sentence


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["net/data.pkl", "net/constants.pkl", "net/data/0"], "TorchScript archive"),
        (["net/data.pkl", "net/code/__torch__.py"], "TorchScript archive"),
        (["net/archive_format", "net/models/model.json"], "archive of torch.export"),
        (["config.json", "metadata.json", "model.weights.h5"], "ends in .keras"),
        (["a.npy", "b.npy"], "archive of NumPy's arrays"),
        (["latest_net_G_A.pth", "readme.txt"], "zip archive of 2 files"),
        (["net/data.pkl", "net/byteorder", "net/data/0"], None),
    ],
)
def test_an_archive_is_called_by_its_name(names, words):
    sentence = other_archive(names)
    assert sentence is None if words is None else words in sentence


def test_how_to_save_the_weights_of_a_whole_network():
    sentence = whole_network("models.G", ("nets", 0))
    assert "class models.G" in sentence
    assert "weights_only=False)['nets'][0].state_dict()" in sentence
