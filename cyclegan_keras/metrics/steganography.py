"""Whether a translation hides its input in what nobody sees."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import bootstrap_interval

_BATCH = 8
_LEAST = 1e-3  # grey levels; a smaller cycle error is only rounding
JPEG_QUALITY = 75
NOISE = 2.0  # standard deviation in grey levels of 255


def to_bytes(pictures: np.ndarray) -> np.ndarray:
    """Returns pictures in [-1, 1] as uint8."""
    return np.clip(np.rint((pictures + 1) * 127.5), 0, 255).astype("uint8")


def rounded(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns float32 pictures in [-1, 1] as any 8-bit file would keep them."""
    del rng
    return _to_floats(to_bytes(pictures))


def jpeg(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns float32 pictures in [-1, 1] after JPEG of quality 75."""
    del rng
    return _to_floats(np.stack([_through_jpeg(picture) for picture in to_bytes(pictures)]))


def noisy(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns float32 pictures in [-1, 1] with Gaussian noise of two grey levels."""
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
        inputs: uint8 pictures, (n, height, width, 3), or a sequence of pictures of any sizes.
        seed: of the noise.

    Returns:
        `"as it is"` and each name in `DISTURBANCES`: mean absolute errors in grey levels of 255,
        float64 (n,).

    Reference:
        Chu et al., "CycleGAN, a Master of Steganography", 2017, section 4.
    """
    rng = np.random.default_rng(seed)
    ways = {"as it is": lambda pictures, rng: pictures, **DISTURBANCES}
    errors = {name: [] for name in ways}
    for batch in _batches(inputs):
        x = _to_floats(batch)
        translated = np.asarray(translate(x), "float32")
        for name, disturb in ways.items():
            cycled = np.asarray(back(disturb(translated, rng)), "float64")
            errors[name].extend(np.abs(cycled - x).mean(axis=(1, 2, 3)) * 127.5)
    return {name: np.array(values) for name, values in errors.items()}


def steganography_measures(evidence: Evidence) -> list[Measure]:
    """Returns by how much each disturbance of G(x) raises the cycle error: mean over mean.

    Near 1: what F needs is there to be seen. Large: G hides x in what the disturbance removes.

    Raises:
        MetricError: G or F is not given, or the cycle error is 0.
    """
    translate, back = evidence.need("The steganography probe", "translate", "back")
    errors = cycle_errors(translate, back, evidence.inputs, seed=evidence.seed)
    plain = errors.pop("as it is")
    if plain.mean() < _LEAST:
        raise MetricError("The cycle is perfect, so its error has no ratio: G and F only copy.")
    return [_measure(name, plain, errors[name], evidence.seed) for name in errors]


def _measure(name, plain, disturbed, seed):
    low, high = bootstrap_interval(np.stack([plain, disturbed], 1), _ratio, seed=seed)
    return Measure(
        name=f"Cycle error ratio after {name}",
        value=float(disturbed.mean() / plain.mean()),
        low=low,
        high=high,
        floor=1.0,
        ceiling=float("nan"),
        better="lower",
        n=(len(plain),),
        features="pixels",
        protocol=f"mean |F(d(G(x))) - x| over mean |F(G(x)) - x|, d: {name}; n of inputs; "
        "percentile bootstrap over pictures",
        note="Copying has no ratio of cycle errors: its cycle is perfect.",
    )


def _ratio(drawn):
    plain, disturbed = drawn[..., 0], drawn[..., 1]
    return disturbed.mean(axis=1) / plain.mean(axis=1)


def _batches(inputs):
    """Pictures of one size in a row, a few at once."""
    batch = []
    for picture in inputs:
        if batch and (len(batch) == _BATCH or picture.shape != batch[0].shape):
            yield np.stack(batch)
            batch = []
        batch.append(picture)
    if batch:
        yield np.stack(batch)


def _to_floats(pictures):
    return pictures.astype("float32") / 127.5 - 1


def _through_jpeg(picture):
    """(height, width, 1 or 3) of uint8 to the same."""
    file = io.BytesIO()
    Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture).save(
        file, "JPEG", quality=JPEG_QUALITY
    )
    return np.asarray(Image.open(file)).reshape(picture.shape)
