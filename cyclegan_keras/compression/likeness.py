"""How like a teacher's translations others are, with and without a difference in color."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cyclegan_keras.compression.estimates import Estimate
from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.values import EIGHT_BIT, Values
from cyclegan_keras.metrics.paired import psnr, ssim

MOST_DB = 200.0  # the PSNR of equal pictures, which is infinite

PROTOCOL = (
    "PSNR is 10 log10(R^2 / mean squared difference) in dB, R the range of the values, 255 for "
    "ordinary pictures; equal pictures count as 200 dB. SSIM has Gaussian windows of 11 pixels, "
    "sigma 1.5, and is a mean over channels. The color offset is the mean difference of each "
    "channel of a picture from the teacher's, and its size the mean of its absolute values over "
    "channels; without it means that it was subtracted from each picture before comparing. All "
    "are means over pictures, with percentile bootstrap intervals over them."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Likeness:
    """How like the teacher's translations of some pictures others are.

    Attributes:
        of: whose translations these are: "student", "copy" or "teacher mirrored".
        psnr_db: to the teacher's, in dB.
        ssim: to the teacher's, at most 1; None where pictures are smaller than its window.
        psnr_without_offset_db: the same after the color offset is removed.
        ssim_without_offset: likewise.
        offset: the absolute color offset in the unit of the values, levels of 255 for ordinary
            pictures.
    """

    of: str
    psnr_db: Estimate
    ssim: Estimate | None
    psnr_without_offset_db: Estimate
    ssim_without_offset: Estimate | None
    offset: Estimate

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Likeness":
        """Reads what `dataclasses.asdict` made of one."""
        estimates = {
            field.name: Estimate.from_dict(fields[field.name])
            for field in dataclasses.fields(cls)
            if field.name != "of"
        }
        return cls(of=fields["of"], **estimates)


def likeness(
    of: str,
    pictures: Sequence[np.ndarray],
    teacher: Sequence[np.ndarray],
    *,
    values: Values = EIGHT_BIT,
    seed: int = 0,
) -> Likeness:
    """Returns how like the teacher's translations some pictures are.

    Args:
        of: whose pictures these are, see `Likeness`.
        pictures: (height, width, channels), uint8 levels or floats in [-1, 1].
        teacher: the teacher's translations, one for each picture and of its shape.
        values: what their numbers mean.
        seed: of the bootstrap.

    Raises:
        ValueError: there are no pictures.
    """
    if not len(pictures):
        raise ValueError("`pictures` must hold at least one picture. Received none.")
    # Floats of the same range, so that nothing is rounded when the offset is removed.
    scale = Values(dtype="float32", low=values.low, high=values.high)
    half_range = (values.high - values.low) / 2
    numbers: dict[str, list[float]] = {
        "psnr_db": [],
        "ssim": [],
        "psnr_without_offset_db": [],
        "ssim_without_offset": [],
        "offset": [],
    }
    for picture, expected in zip(pictures, teacher, strict=True):
        found, answer = to_float(picture), to_float(expected)
        offset = color_offset(found, answer)
        aligned = (found - offset).astype("float32")
        numbers["psnr_db"].append(min(psnr(found, answer, scale), MOST_DB))
        numbers["psnr_without_offset_db"].append(min(psnr(aligned, answer, scale), MOST_DB))
        numbers["offset"].append(float(np.mean(np.abs(offset))) * half_range)
        try:
            similarity = ssim(found, answer, scale)
            similarity_aligned = ssim(aligned, answer, scale)
        except MetricError:  # smaller than the window
            continue
        numbers["ssim"].append(similarity)
        numbers["ssim_without_offset"].append(similarity_aligned)
    has_ssim = len(numbers["ssim"]) == len(pictures)
    estimates = {}
    for name, each in numbers.items():
        is_known = has_ssim or not name.startswith("ssim")
        estimates[name] = Estimate.of_mean(each, seed=seed) if is_known else None
    return Likeness(of=of, **estimates)


def color_offset(picture: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns the mean difference of each channel of two pictures.

    Args:
        picture: (height, width, channels).
        other: of the same shape.

    Returns:
        float64 (channels,), positive where `picture` is brighter.
    """
    return np.mean(picture.astype("float64") - other, axis=(0, 1))
