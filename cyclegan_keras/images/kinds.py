"""Tells what a file is by its first bytes, so that a message can call it by its kind."""

import dataclasses
import functools
import importlib.util
import os
import pathlib
import struct

from PIL import features

START = 4096  # bytes from the beginning of a file, enough to recognize all kinds
SLICES = "python -m pipelines.slices turns such series and volumes into folders"
DEVELOP = "develop it to TIFF or JPEG first"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of file.

    Attributes:
        name: such as "HEIC", "video" or "text".
        phrase: the name in a sentence, such as "a HEIC picture".
        is_picture: whether it can be read here and now.
        advice: what helps where it cannot, such as 'pip install "cyclegan-keras[heif]"'; or "".
    """

    name: str
    phrase: str
    is_picture: bool = False
    advice: str = ""

    @property
    def reason(self) -> str:
        """Why it cannot be read, as the message of a PictureError has it."""
        if self.advice:
            return f"is {self.phrase}: {self.advice}"
        return f"is {self.phrase}, not a picture"


def _picture(name: str) -> Kind:
    article = "an" if name[0] in "AEIO" else "a"
    return Kind(name=name, phrase=f"{article} {name} picture", is_picture=True)


def _foreign(name: str, advice: str, phrase: str | None = None) -> Kind:
    article = "an" if name[0] in "AEIOS" else "a"
    return Kind(name=name, phrase=phrase or f"{article} {name} picture", advice=advice)


JPEG = _picture("JPEG")
PNG = _picture("PNG")
TIFF = _picture("TIFF")
NPY = Kind(name="NumPy array", phrase="a NumPy array", is_picture=True)
NPZ = Kind(name="NumPy archive", phrase="a NumPy archive", is_picture=True)
JPEG_2000 = _picture("JPEG 2000")
PNM = _picture("PNM")
EMPTY = Kind(name="empty", phrase="empty (0 bytes)")
TEXT = Kind(name="text", phrase="text")
VIDEO = Kind(name="video", phrase="a video")
AUDIO = Kind(name="audio", phrase="a sound file")
ARCHIVE = Kind(name="archive", phrase="an archive", advice="unpack it first")
UNREADABLE = Kind(name="unreadable", phrase="a file that cannot be opened")
UNKNOWN = Kind(name="unknown", phrase="of an unknown kind")
DICOM = _foreign("DICOM", SLICES, "DICOM")
NIFTI = _foreign("NIfTI", SLICES, "NIfTI")
SVG = _foreign("SVG", "it is drawn, not made of pixels: export it as PNG")

# The first bytes of files, and what they are.
SIGNATURES = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF8", _picture("GIF")),
    (b"BM", _picture("BMP")),
    (b"\x93NUMPY", NPY),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", JPEG_2000),
    (b"\xff\x4f\xff\x51", JPEG_2000),
    (b"qoif", _picture("QOI")),
    (b"\x00\x00\x01\x00", _picture("ICO")),
    (b"\x01\xda", _picture("SGI")),
    (b"II\xbc", _foreign("JPEG XR", "convert it to TIFF or PNG")),
    (b"8BPS", _foreign("PSD", "save it as TIFF or PNG", "a Photoshop file (PSD)")),
    (b"gimp xcf", _foreign("XCF", "export it as TIFF or PNG", "a GIMP file (XCF)")),
    (b"v/1\x01", _foreign("EXR", "convert it to a TIFF of 32-bit floats, or to .npy")),
    (b"#?RADIANCE", _foreign("HDR", "convert it to a TIFF of 32-bit floats, or to .npy")),
    (b"#?RGBE", _foreign("HDR", "convert it to a TIFF of 32-bit floats, or to .npy")),
    (b"SIMPLE  =", _foreign("FITS", "convert it to TIFF or .npy")),
    (b"DDS ", _foreign("DDS", "convert it to PNG")),
    (b"BPG\xfb", _foreign("BPG", "convert it to PNG")),
    (b"FUJIFILMCCD-RAW", _foreign("camera raw", DEVELOP, "a camera raw file (RAF)")),
    (b"IIRO", _foreign("camera raw", DEVELOP, "a camera raw file (ORF)")),
    (b"IIRS", _foreign("camera raw", DEVELOP, "a camera raw file (ORF)")),
    (b"IIU\x00", _foreign("camera raw", DEVELOP, "a camera raw file (RW2)")),
    (b"FOVb", _foreign("camera raw", DEVELOP, "a camera raw file (X3F)")),
    (b"%PDF", _foreign("PDF", "export its pages as PNG", "a PDF document")),
    (b"%!PS", _foreign("PostScript", "export it as PNG", "a PostScript document")),
    (b"\xc5\xd0\xd3\xc6", _foreign("PostScript", "export it as PNG", "a PostScript document")),
    (b"\x89HDF\r\n\x1a\n", _foreign("HDF5", "save its arrays as .npy", "an HDF5 file")),
    (b"MATLAB 5.0", _foreign("MATLAB", "save its arrays as .npy", "a MATLAB file")),
    (b"\x1a\x45\xdf\xa3", VIDEO),
    (b"\x00\x00\x01\xba", VIDEO),
    (b"\x00\x00\x01\xb3", VIDEO),
    (b"FLV\x01", VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),
    (b"ID3", AUDIO),
    (b"fLaC", AUDIO),
    (b"OggS", AUDIO),
    (b"\x1f\x8b", ARCHIVE),
    (b"BZh", ARCHIVE),
    (b"\xfd7zXZ\x00", ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (b"Rar!", ARCHIVE),
    (b"\x28\xb5\x2f\xfd", ARCHIVE),
)
TIFF_SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
# Camera raw files that are TIFF inside; most are told from others by their endings alone.
RAW_ENDINGS = (
    ".3fr",
    ".arw",
    ".cr2",
    ".dcr",
    ".dng",
    ".erf",
    ".iiq",
    ".kdc",
    ".mef",
    ".mos",
    ".nef",
    ".nrw",
    ".pef",
    ".rwl",
    ".sr2",
    ".srf",
    ".srw",
)
DNG_VERSION = 50706  # a tag of TIFF


def kind_of(path: str | os.PathLike) -> Kind:
    """Returns what a file is, by its content. Nothing is raised: what cannot be opened is a kind.

    Args:
        path: of any file.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(START)
    except OSError:
        return UNREADABLE
    return kind_of_bytes(start, name=os.fspath(path))


def kind_of_bytes(start: bytes, name: str = "") -> Kind:
    """Returns what a file with these first bytes is.

    Args:
        start: at least `START` bytes where the file has as many.
        name: of the file; only kinds that the bytes leave open are told by its ending.
    """
    if not start:
        return EMPTY
    for signature, kind in SIGNATURES:
        if start.startswith(signature):
            if kind is ARCHIVE and name.lower().endswith(".nii.gz"):
                return NIFTI
            return kind
    if start.startswith(TIFF_SIGNATURES):
        return _kind_of_tiff(start, pathlib.PurePath(name).suffix.lower())
    if start[4:8] == b"ftyp":
        return _kind_of_iso_media(start)
    if start.startswith(b"RIFF"):
        return {b"WEBP": _picture("WebP"), b"AVI ": VIDEO}.get(start[8:12], AUDIO)
    if start.startswith((b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n")):
        return jpeg_xl()
    if start[:1] == b"P" and start[1:2] in b"1234567Ff" and start[2:3] in b" \t\r\n":
        return PNM
    if start.startswith(b"PK\x03\x04"):
        return NPZ if _first_entry(start).endswith(b".npy") else ARCHIVE
    if start[128:132] == b"DICM":
        return DICOM
    if start[344:348] in (b"n+1\x00", b"ni1\x00") or start[4:8] in (b"n+2\x00", b"ni2\x00"):
        return NIFTI
    if start[257:262] == b"ustar":
        return ARCHIVE
    if start[:1] == b"G" and start[188:189] == b"G" and start[376:377] == b"G":
        return VIDEO  # packets of an MPEG transport stream
    if _is_text(start):
        return SVG if b"<svg" in start else TEXT
    return UNKNOWN


def _kind_of_tiff(start: bytes, ending: str) -> Kind:
    if start[8:10] == b"CR" and start[:2] == b"II":
        ending = ".cr2"
    elif _has_tag(start, DNG_VERSION):
        ending = ".dng"
    if ending in RAW_ENDINGS:
        name = ending[1:].upper()
        return _foreign("camera raw", DEVELOP, f"a camera raw file ({name})")
    return TIFF


def _has_tag(start: bytes, tag: int) -> bool:
    """Whether the first directory of a TIFF has a tag, as far as these bytes reach."""
    order = "<" if start[:2] == b"II" else ">"
    if start[2:4] not in (b"*\x00", b"\x00*"):
        return False
    (offset,) = struct.unpack_from(f"{order}I", start.ljust(8, b"\0"), 4)
    if offset + 2 > len(start):
        return False
    (count,) = struct.unpack_from(f"{order}H", start, offset)
    for number in range(count):
        position = offset + 2 + 12 * number
        if position + 2 > len(start):
            return False
        if struct.unpack_from(f"{order}H", start, position)[0] == tag:
            return True
    return False


def _kind_of_iso_media(start: bytes) -> Kind:
    """Of the family of formats whose first box lists brands."""
    size = min(int.from_bytes(start[:4], "big"), 256)
    brands = [start[8:12]] + [start[index : index + 4] for index in range(16, size, 4)]
    if brands[0] == b"crx ":
        return _foreign("camera raw", DEVELOP, "a camera raw file (CR3)")
    if any(brand in AVIF_BRANDS for brand in brands):
        return avif()
    if any(brand in HEIF_BRANDS for brand in brands):
        return heic()
    return AUDIO if brands[0] in (b"M4A ", b"M4B ") else VIDEO


@functools.cache
def heic() -> Kind:
    """HEIC and HEIF, which an extra reads."""
    if importlib.util.find_spec("pillow_heif") is not None:
        return _picture("HEIC")
    return _foreign("HEIC", 'pip install "cyclegan-keras[heif]"', "a HEIC picture")


@functools.cache
def avif() -> Kind:
    """AVIF, which newer versions of Pillow read."""
    if features.check("avif"):
        return _picture("AVIF")
    return _foreign("AVIF", 'pip install "pillow>=11.3"')


@functools.cache
def jpeg_xl() -> Kind:
    """JPEG XL, which most builds of imagecodecs read."""
    import imagecodecs

    if imagecodecs.JPEGXL.available:
        return _picture("JPEG XL")
    return _foreign("JPEG XL", "convert it to PNG or TIFF")


def _first_entry(start: bytes) -> bytes:
    """The name of the first file in a ZIP archive."""
    length = int.from_bytes(start[26:28], "little")
    return start[30 : 30 + length]


def _is_text(start: bytes) -> bool:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        return True
    if b"\0" in start:
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return len(start) == START and error.start > START - 4  # cut in the middle of a letter
    return True
