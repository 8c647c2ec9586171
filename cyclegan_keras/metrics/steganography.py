"""Whether a translation hides its input in details that nobody sees."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.pixels import to_float, to_uint8
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import bootstrap_interval

_BATCH = 8
_LEAST_ERROR = 1e-3  # gray levels; a smaller cycle error is only rounding
JPEG_QUALITY = 75
NOISE = 2.0  # standard deviation in gray levels of 255


def rounded(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns float32 pictures in [-1, 1] as any 8-bit file would keep them."""
    del rng
    return to_float(to_uint8(pictures))


def jpeg(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns float32 pictures in [-1, 1] after JPEG of quality 75."""
    del rng
    return to_float(np.stack([_through_jpeg(picture) for picture in to_uint8(pictures)]))


def noisy(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns float32 pictures in [-1, 1] with Gaussian noise of two gray levels."""
    noise = rng.standard_normal(pictures.shape, "float32") * (NOISE / 127.5)
    return np.clip(pictures + noise, -1, 1)


DISTURBANCES = {
    "8-bit rounding": rounded,
    f"JPEG {JPEG_QUALITY}": jpeg,
    f"noise of {NOISE:g} grey levels": noisy,
}


def cycle_errors(
    translate: Callable[[np.ndarray], np.ndarray],
    back: Callable[[np.ndarray], np.ndarray],
    inputs: Sequence[np.ndarray],
    *,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Returns |F(G(x)) - x| of each picture, as it is and with G(x) disturbed on the way.

    Args:
        translate: G, a float32 batch in [-1, 1] to the same.
        back: F, likewise.
        inputs: pictures of uint8 or of float32 in [-1, 1], (n, height, width, channels), or a
            sequence of pictures of any sizes.
        seed: of the noise.

    Returns:
        `"as it is"` and each name in `DISTURBANCES`: mean absolute errors in gray levels of 255,
        float64 (n,).

    Reference:
        Chu et al., "CycleGAN, a Master of Steganography", 2017, section 4.
    """
    rng = np.random.default_rng(seed)
    disturbances = {"as it is": lambda pictures, rng: pictures} | DISTURBANCES
    errors: dict[str, list[float]] = {name: [] for name in disturbances}
    for batch in batches_by_shape(inputs, shape=np.shape, limit=lambda picture: _BATCH):
        x = to_float(np.stack(batch))
        translated = np.asarray(translate(x), "float32")
        for name, disturb in disturbances.items():
            cycled = np.asarray(back(disturb(translated, rng)), "float64")
            errors[name].extend(np.abs(cycled - x).mean(axis=(1, 2, 3)) * 127.5)
    return {name: np.array(values) for name, values in errors.items()}


def steganography_measures(evidence: Evidence) -> list[Measure]:
    """Returns by how much each disturbance of G(x) raises the cycle error: mean over mean.

    Near 1: F needs only what can be seen in G(x). Large: G hides x in what the disturbance removes.

    Raises:
        MetricError: G or F is not given, or the cycle error is 0, or translations are no pictures
            of 8 bits with one or three channels.
    """
    translate, back = evidence.need("translate", "back")
    if not evidence.target_values.is_eight_bit:
        raise MetricError(
            "Translations with values other than 0 to 255 are not kept in files of 8 bits or as "
            "JPEG, and what those would remove says nothing about them."
        )
    if evidence.translated is not None:
        channels = np.shape(evidence.translated[0])[-1]
        if channels not in (1, 3):
            raise MetricError(f"Translations of {channels} channels cannot be written as JPEG.")
    errors = cycle_errors(translate, back, evidence.inputs, seed=evidence.seed)
    undisturbed = errors.pop("as it is")
    if undisturbed.mean() < _LEAST_ERROR:
        raise MetricError(
            "The cycle error is 0, as it is for a model that only copies, and so it has no ratio."
        )
    return [
        _measure(name, undisturbed, disturbed, evidence.seed) for name, disturbed in errors.items()
    ]


def _measure(name, undisturbed, disturbed, seed):
    low, high = bootstrap_interval(np.stack([undisturbed, disturbed], 1), _ratio, seed=seed)
    return Measure(
        name=f"Cycle error ratio after {name}",
        value=float(disturbed.mean() / undisturbed.mean()),
        low=low,
        high=high,
        real_score=1.0,
        copy_score=float("nan"),
        better="lower",
        n=(len(undisturbed),),
        features="pixels",
        protocol=f"mean |F(d(G(x))) - x| over mean |F(G(x)) - x|, d: {name}; n counts inputs; "
        "percentile bootstrap over pictures",
        note="Copying has no ratio of cycle errors: its cycle is perfect.",
    )


def _ratio(drawn):
    undisturbed, disturbed = drawn[..., 0], drawn[..., 1]
    # A draw may consist of pictures whose cycle is perfect.
    return disturbed.mean(axis=1) / np.maximum(undisturbed.mean(axis=1), _LEAST_ERROR)


def _through_jpeg(picture):
    """Returns uint8 (height, width, 1 or 3) after it was written as a JPEG file."""
    pixels = picture[:, :, 0] if picture.shape[2] == 1 else picture
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=JPEG_QUALITY)
    return np.asarray(Image.open(file)).reshape(picture.shape)
