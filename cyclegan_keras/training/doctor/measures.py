"""What the training doctor measures on pictures and their translations: numpy in, numbers out.

docs/doctor.md says which values healthy and sick networks have.
"""

import numpy as np

FEWEST = 4  # pictures; fewer say too little about a network
REC_601 = (0.299, 0.587, 0.114)  # luminance of red, green and blue
BLOCK = 16  # px; within it a grid has one phase, however the picture around it changes
SMALLEST_GRID = 64  # px; smaller pictures have too few blocks
UNSEEN = 0.5 / 127.5  # half a gray level: what is fainter is no pattern
MEASURES = ("luminance_correlation", "change", "diversity", "grid_db")


def measure(x: np.ndarray, fake: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Measures one direction of translation.

    Args:
        x: inputs (n, height, width, channels) in [-1, 1].
        fake: their translations, of the same height and width.
        y: real pictures of the domain that the translations should belong to, with the channels of
            `fake`. Where x has others, `change` is that of the luminance.

    Returns:
        The MEASURES by name, without those that are undefined: there are none for fewer than
        FEWEST pictures, and not all for flat, equal or small ones.
    """
    if len(x) < FEWEST:
        return {}
    # What real pictures have at the period of a grid, stripes for example, is no fault.
    grid_of_real = np.maximum(0, np.maximum(line_db(x), line_db(y)))
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "luminance_correlation": luminance_correlation(x, fake),
            "change": change(x, fake, y),
            "diversity": np.divide(spread(fake), min(spread(x), spread(y))),
            "grid_db": np.max(line_db(fake) - grid_of_real, initial=-np.inf),
        }
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}


def change(x: np.ndarray, fake: np.ndarray, y: np.ndarray) -> float:
    """Returns how far G(x) is from x, as a share of how far y is from x over all pairs.

    Both are roots of mean squares; see `measure` for the arguments. NaN where x equals y.
    """
    if x.shape[-1] != fake.shape[-1]:
        x, fake, y = _luminance(x), _luminance(fake), _luminance(y)
    return np.divide(_rms(fake - x), _rms(x[:, None] - y[None]))


def luminance_correlation(x: np.ndarray, fake: np.ndarray) -> float:
    """Returns Pearson's correlation of the luminance of x and G(x), the mean over pictures.

    Flat pictures are left out; NaN where none is left.
    """
    correlations = []
    for picture, translation in zip(x, fake, strict=True):
        before, after = _luminance(picture).ravel(), _luminance(translation).ravel()
        if np.ptp(before) > 0 and np.ptp(after) > 0:
            correlations.append(np.corrcoef(before, after)[0, 1])
    return float(np.mean(correlations)) if correlations else np.nan


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

    Args:
        pictures: (n, height, width, channels) in [-1, 1].

    Returns:
        (9,), one a line, mirrored ones counted once; empty for pictures below SMALLEST_GRID px.

    Reference: Odena et al., "Deconvolution and Checkerboard Artifacts", Distill, 2016.
    """
    if min(pictures.shape[1:3]) < SMALLEST_GRID:
        return np.zeros(0)
    power = _even_bins(pictures) + UNSEEN**2
    lines = [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2)]
    return np.array([_line(power, row, column) for row, column in lines])


def _line(power: np.ndarray, row: int, column: int) -> float:
    bins = power.shape[-1]
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    # The window has faded two bins away, where the next line is not yet.
    around = [power[:, (2 * row + i) % bins, (2 * column + j) % bins] for i, j in steps]
    return float(np.mean(10 * np.log10(power[:, 2 * row, 2 * column] / np.mean(around, axis=0))))


def _even_bins(pictures: np.ndarray) -> np.ndarray:
    """Power at every second bin of half-overlapping blocks: (blocks, 8, 8), mean over channels."""
    half = BLOCK // 2
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (BLOCK, BLOCK), axis=(1, 2))
    blocks = windows[:, ::half, ::half].astype("float32")  # (n, rows, columns, channels, 16, 16)
    hann = np.hanning(BLOCK + 1)[:-1]
    window = np.outer(hann, hann).astype("float32")
    blocks = (blocks - blocks.mean(axis=(-2, -1), keepdims=True)) * window
    # Even bins of the transform are the transform of the halves' sum: a quarter of the work.
    folded_rows = blocks[..., :half, :] + blocks[..., half:, :]
    folded = folded_rows[..., :half] + folded_rows[..., half:]
    power = np.abs(np.fft.fft2(folded)) ** 2 / window.sum() ** 2
    return power.mean(axis=3).reshape(-1, half, half)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _luminance(pictures: np.ndarray) -> np.ndarray:
    """Returns (..., height, width): Rec. 601 of the first three channels, or the first one."""
    if pictures.shape[-1] < 3:
        return pictures[..., 0]
    return pictures[..., :3] @ np.array(REC_601)
