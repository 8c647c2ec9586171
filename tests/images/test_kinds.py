import io
import tarfile
import zipfile

import av
import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from cyclegan_keras.images import kinds
from cyclegan_keras.images.kinds import kind_of, kind_of_bytes

IMAGE = Image.fromarray(np.zeros((16, 16, 3), "uint8"))


def of_pillow(kind):
    stream = io.BytesIO()
    IMAGE.save(stream, kind)
    return stream.getvalue()


def of_numpy(save):
    stream = io.BytesIO()
    save(stream, np.zeros((4, 4)))
    return stream.getvalue()


def of_tifffile(**settings):
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((16, 16), "uint8"), **settings)
    return stream.getvalue()


def heic():
    stream = io.BytesIO()
    pillow_heif.from_pillow(IMAGE).save(stream)
    return stream.getvalue()


def video(container):
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as file:
        track = file.add_stream("mpeg4", rate=25)
        track.width = track.height = 16
        for packet in track.encode(av.VideoFrame.from_image(IMAGE)):
            file.mux(packet)
        for packet in track.encode():
            file.mux(packet)
    return stream.getvalue()


def archive(kind):
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w") as file:
            file.writestr("a.txt", "text")
    else:
        with tarfile.open(fileobj=stream, mode=f"w:{kind}") as file:
            file.addfile(tarfile.TarInfo("a.txt"))
    return stream.getvalue()


FILES = {
    "JPEG": of_pillow("JPEG"),
    "PNG": of_pillow("PNG"),
    "GIF": of_pillow("GIF"),
    "BMP": of_pillow("BMP"),
    "WebP": of_pillow("WEBP"),
    "JPEG 2000": of_pillow("JPEG2000"),
    "PNM": of_pillow("PPM"),
    "QOI": imagecodecs.qoi_encode(np.asarray(IMAGE)),
    "SGI": of_pillow("SGI"),
    "ICO": of_pillow("ICO"),
    "TIFF": of_tifffile(),
    "NumPy array": of_numpy(np.save),
    "NumPy archive": of_numpy(np.savez),
    "HEIC": heic(),
}


@pytest.mark.parametrize("name", FILES)
def test_pictures_are_told_by_their_content(name, tmp_path):
    path = tmp_path / "without_ending"
    path.write_bytes(FILES[name])
    kind = kind_of(path)
    assert kind.name == name
    assert kind.is_picture
    assert kind.advice == ""


def test_big_and_big_endian_tiffs():
    for settings in ({"bigtiff": True}, {"byteorder": ">"}, {"bigtiff": True, "byteorder": ">"}):
        assert kind_of_bytes(of_tifffile(**settings)) is kinds.TIFF


OTHERS = [
    ("video", "", video("mp4")),
    ("video", "", video("matroska")),
    ("video", "", video("avi")),
    ("video", "", video("mpegts")),
    ("text", "", "Grüße, in UTF-8".encode() * 999),
    ("text", "", "in UTF-16".encode("utf-16")),
    ("empty", "", b""),
    ("unknown", "", bytes(range(256))),
    ("SVG", "export it as PNG", b'<?xml version="1.0"?><svg width="4"></svg>'),
    ("archive", "unpack", archive("zip")),
    ("archive", "unpack", archive("gz")),
    ("archive", "unpack", archive("xz")),
    ("archive", "unpack", archive("")),
    ("DICOM", "pipelines.slices", bytes(128) + b"DICM" + bytes(9)),
    ("NIfTI", "pipelines.slices", b"\x5c\x01\0\0" + bytes(340) + b"n+1\0"),
    ("PSD", "TIFF or PNG", b"8BPS\0\1" + bytes(20)),
    ("EXR", "32-bit floats", b"v/1\x01" + bytes(20)),
    ("HDR", "32-bit floats", b"#?RADIANCE\n"),
    ("PDF", "as PNG", b"%PDF-1.7"),
    ("camera raw", "develop it", b"FUJIFILMCCD-RAW 0201"),
    ("camera raw", "develop it", b"\0\0\0\x18ftypcrx \0\0\0\1"),
    ("camera raw", "develop it", of_tifffile(extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])),
    ("HDF5", "as .npy", b"\x89HDF\r\n\x1a\n"),
]


@pytest.mark.parametrize(
    ("name", "advice", "data"), OTHERS, ids=[f"{name} {len(data)}" for name, _, data in OTHERS]
)
def test_other_files_are_called_by_their_kind(name, advice, data, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(data)
    kind = kind_of(path)
    assert kind.name == name
    assert not kind.is_picture
    assert advice in kind.advice
    assert bool(advice) == bool(kind.advice)


def test_camera_raw_files_that_are_tiffs_are_told_by_their_endings(tmp_path):
    (tmp_path / "a.NEF").write_bytes(of_tifffile())
    assert kind_of(tmp_path / "a.NEF").reason == (
        "is a camera raw file (NEF): develop it to TIFF or JPEG first"
    )


def test_packed_nifti_is_told_by_its_ending(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(archive("gz"))
    assert kind_of(tmp_path / "a.nii.gz") is kinds.NIFTI


def test_files_that_cannot_be_opened_are_a_kind_too(tmp_path):
    assert kind_of(tmp_path / "missing") is kinds.UNREADABLE
    assert kind_of(tmp_path) is kinds.UNREADABLE


def test_heic_without_its_extra_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds.importlib.util, "find_spec", lambda name: None)
    kinds.heic.cache_clear()
    try:
        kind = kind_of_bytes(FILES["HEIC"])
    finally:
        kinds.heic.cache_clear()
    assert kind.reason == 'is a HEIC picture: pip install "cyclegan-keras[heif]"'
