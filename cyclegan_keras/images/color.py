"""Converts colors between a profile of a file and sRGB.

The intent is relative colorimetric, with black point compensation: white becomes white, black
becomes black, colors that both can show stay what they are, and others are clipped.
"""

import dataclasses
import functools
import io

import numpy as np
from PIL import Image, ImageCms

INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
# Otherwise 16 bits go through a table of 33 colors a side, which errs by up to 14 levels of 255.
DEEP_FLAGS = ImageCms.Flags.NOOPTIMIZE
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
SAME_LEVELS = 1  # a profile whose colors differ less from sRGB is called sRGB
KEPT = 32  # profiles whose conversions are kept
MODES = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK", b"Lab ": "LAB"}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Conversion:
    """The way of one profile to sRGB and back.

    Attributes:
        mode: Pillow's name of its color space: "L", "RGB" or "CMYK".
        profile: the profile itself.
        changes_nothing: whether it is sRGB, so that nothing need be converted.
    """

    mode: str
    profile: bytes
    forward: ImageCms.ImageCmsTransform
    changes_nothing: bool

    def to_srgb(self, pixels: np.ndarray) -> np.ndarray:
        """Converts pixels to sRGB.

        Args:
            pixels: uint8 or uint16 (height, width, channels of the profile).

        Returns:
            The same type, (height, width, 1) of gray, 3 channels of all others.
        """
        if pixels.dtype == np.uint16:
            return _deep(pixels, self.mode, self.profile, SRGB.tobytes())
        image = _image(pixels, self.mode)
        converted = np.array(ImageCms.applyTransform(image, self.forward))
        return converted[..., 1:2].copy() if self.mode == "L" else converted

    def from_srgb(self, pixels: np.ndarray) -> np.ndarray:
        """Converts pixels of sRGB, of type and shape as `to_srgb` returns them, back."""
        if self.mode == "L":
            pixels = np.repeat(pixels, 3, axis=-1)
        if pixels.dtype == np.uint16:
            return _deep(pixels, "RGB", SRGB.tobytes(), self.profile, self.mode)
        image = ImageCms.applyTransform(Image.fromarray(pixels), self.backward)
        converted = np.asarray(image)
        return converted[..., None] if self.mode == "L" else converted

    @functools.cached_property
    def backward(self) -> ImageCms.ImageCmsTransform:
        """The transform from sRGB."""
        own = ImageCms.ImageCmsProfile(io.BytesIO(self.profile))
        return ImageCms.buildTransform(SRGB, own, "RGB", self.mode, INTENT, FLAGS)


@functools.lru_cache(maxsize=KEPT)
def conversion_of(profile: bytes) -> Conversion | None:
    """Returns how colors of a profile become sRGB; None where the profile cannot be used."""
    mode = MODES.get(profile[16:20])  # a field of its header
    if mode in (None, "LAB"):
        return None
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        forward = ImageCms.buildTransform(own, SRGB, mode, "RGB", INTENT, FLAGS)
    except (ImageCms.PyCMSError, OSError):
        return None
    return Conversion(
        mode=mode,
        profile=profile,
        forward=forward,
        changes_nothing=_changes_nothing(forward, mode),
    )


def lab_to_srgb(image: Image.Image) -> np.ndarray:
    """Converts an image of Pillow's mode LAB to uint8 (height, width, 3)."""
    lab = ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(lab, SRGB, "LAB", "RGB", INTENT)
    return np.array(ImageCms.applyTransform(image, transform))


def can_convert_deep() -> bool:
    """Whether colors of 16 bits can be converted here."""
    import imagecodecs  # takes half a second, and few files need it

    return imagecodecs.CMS.available


def _changes_nothing(forward: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a lattice of colors comes out of a transform as it went in."""
    if mode == "CMYK":
        return False
    if mode == "L":
        lattice = np.arange(256, dtype=np.uint8)[None]
        expected = np.repeat(lattice[..., None], 3, axis=-1)
    else:
        steps = np.linspace(0, 255, 17).astype(np.uint8)
        lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(17, -1, 3)
        expected = lattice
    converted = np.asarray(ImageCms.applyTransform(_image(lattice, mode), forward))
    return bool(np.abs(converted.astype(int) - expected).max() <= SAME_LEVELS)


def _image(pixels: np.ndarray, mode: str) -> Image.Image:
    """An image of uint8 (height, width, channels of the mode); of gray also (height, width)."""
    height, width = pixels.shape[:2]
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def _deep(
    pixels: np.ndarray, mode: str, source: bytes, target: bytes, target_mode: str = "RGB"
) -> np.ndarray:
    import imagecodecs

    names = {"L": "gray", "RGB": "rgb", "CMYK": "cmyk"}
    converted = imagecodecs.cms_transform(
        np.ascontiguousarray(pixels[..., 0] if mode == "L" else pixels),
        source,
        target,
        colorspace=names[mode],
        outcolorspace=names[target_mode],
        intent=int(INTENT),
        flags=int(FLAGS | DEEP_FLAGS),
    )
    if mode == "L":
        return converted[..., 1:2]
    return converted[..., None] if target_mode == "L" else converted
