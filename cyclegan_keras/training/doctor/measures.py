"""What the training doctor measures on pictures and their translations: numpy in, numbers out.

docs/doctor.md tells which values healthy and sick networks have.
"""

import numpy as np

FEWEST = 4  # pictures; fewer say too little about a network
REC_601 = (0.299, 0.587, 0.114)  # luminance of red, green and blue
BLOCK = 16  # px; within it a grid has one phase, however the picture around it changes
SMALLEST_GRID = 64  # px; smaller pictures have too few blocks
UNSEEN = 0.5 / 127.5  # half a grey level: what is fainter is no pattern
MEASURES = ("luminance_correlation", "change", "diversity", "grid_db")


def measure(x: np.ndarray, fake: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Measures one direction of translation.

    Args:
        x: inputs (n, height, width, channels) in [-1, 1].
        fake: their translations, of the same shape.
        y: real pictures of the domain that the translations should belong to.

    Returns:
        The MEASURES, without those that cannot be told: of fewer than FEWEST pictures none, of
        flat, equal or small ones not all.
    """
    if len(x) < FEWEST:
        return {}
    lines = [line_db(pictures) for pictures in (fake, x, y)]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (
            luminance_correlation(x, fake),
            np.divide(_rms(fake - x), _rms(x[:, None] - y[None])),
            np.divide(spread(fake), min(spread(x), spread(y))),
            # What real pictures have at that period, stripes for example, is no fault.
            np.max(lines[0] - np.maximum(0, np.maximum(lines[1], lines[2])), initial=-np.inf),
        )
    told = zip(MEASURES, map(float, values), strict=True)
    return {name: value for name, value in told if np.isfinite(value)}


def luminance_correlation(x: np.ndarray, fake: np.ndarray) -> float:
    """Returns Pearson's correlation of the luminance of x and G(x), the mean over pictures.

    Flat pictures are left out; NaN where none is left.
    """
    pairs = [(_luminance(a), _luminance(b)) for a, b in zip(x, fake, strict=True)]
    known = [np.corrcoef(a, b)[0, 1] for a, b in pairs if np.ptp(a) > 0 and np.ptp(b) > 0]
    return float(np.mean(known)) if known else np.nan


def spread(pictures: np.ndarray) -> float:
    """Returns how much pictures differ: the root of the mean variance of a pixel over them."""
    return float(np.sqrt(np.mean(np.var(pictures, axis=0))))


def line_db(pictures: np.ndarray) -> np.ndarray:
    """Returns how far each line of a 4x4 grid stands out of the spectrum, in dB.

    The lines lie where both frequencies are multiples of 1/4 a pixel, hence at periods of 4 and 2
    px, which the last two doublings of a generator leave. For each,

        mean over blocks of 10 log10((P + u^2) / (P_around + u^2))

    with P the power in a Hann-windowed block of 16x16 px, P_around its mean over the bins at a
    distance of two, and u = UNSEEN. The mean of logarithms weighs flat and busy blocks alike: it
    is in skies that a grid is seen.

    Returns:
        (9,), one a line, mirrored ones counted once; empty for pictures below SMALLEST_GRID px.

    Reference: Odena et al., "Deconvolution and Checkerboard Artifacts", Distill, 2016.
    """
    if min(pictures.shape[1:3]) < SMALLEST_GRID:
        return np.zeros(0)
    power = _even_bins(pictures) + UNSEEN**2
    places = [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2)]
    return np.array([_line(power, *place) for place in places])


def _line(power: np.ndarray, row: int, column: int) -> float:
    bins = power.shape[-1]
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    # The window has faded two bins away, where the next line is not yet.
    around = [power[:, (2 * row + i) % bins, (2 * column + j) % bins] for i, j in steps]
    return float(np.mean(10 * np.log10(power[:, 2 * row, 2 * column] / np.mean(around, axis=0))))


def _even_bins(pictures: np.ndarray) -> np.ndarray:
    """Power at every second bin of half-overlapping blocks: (blocks, 8, 8), mean over channels."""
    half = BLOCK // 2
    every = np.lib.stride_tricks.sliding_window_view(pictures, (BLOCK, BLOCK), axis=(1, 2))
    blocks = every[:, ::half, ::half].astype("float32")  # (n, rows, columns, channels, 16, 16)
    window = np.outer(*[np.hanning(BLOCK + 1)[:-1]] * 2).astype("float32")
    blocks = (blocks - blocks.mean(axis=(-2, -1), keepdims=True)) * window
    # Even bins of the transform are the transform of the halves' sum: a quarter of the work.
    folded = blocks[..., :half, :] + blocks[..., half:, :]
    folded = folded[..., :half] + folded[..., half:]
    power = np.abs(np.fft.fft2(folded)) ** 2 / window.sum() ** 2
    return power.mean(axis=3).reshape(-1, half, half)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _luminance(picture: np.ndarray) -> np.ndarray:
    grey = picture[..., :3] @ np.array(REC_601) if picture.shape[-1] >= 3 else picture[..., 0]
    return grey.ravel()
