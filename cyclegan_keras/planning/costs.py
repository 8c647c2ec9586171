"""From the cost of a few small steps to that of any other: straight lines in the pixels of a step.

All networks are convolutional: a step takes a time and holds activations that grow with its pixels,
beside what it needs for weights, moments and the program itself.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

Shape = tuple[int, int, int]  # batch, height, width
FEWEST_STEPS = 3  # of a shape: one that prepares it, and two of which the quicker counts


def pixels_of(shape: Shape) -> int:
    """Returns the pixels of a domain in a batch."""
    batch, height, width = shape
    return batch * height * width


@dataclasses.dataclass(frozen=True)
class Line:
    """A cost as `at_zero + per_pixel * pixels`, neither of them negative."""

    at_zero: float
    per_pixel: float

    def __call__(self, pixels: float) -> float:
        return self.at_zero + self.per_pixel * pixels


def fit(points: Iterable[tuple[float, float]], at_zero: float = 0.0) -> Line:
    """Returns the line of the least squares of relative errors.

    Args:
        points: pixels and cost, both positive.
        at_zero: cost without pixels, used where all points have the same number of pixels.
    """
    points = list(points)
    pixels = np.array([point[0] for point in points], float)
    costs = np.array([point[1] for point in points], float)
    if len(set(pixels)) == 1:
        mean = costs.mean()
        at_zero = min(at_zero, mean)
        return Line(at_zero, (mean - at_zero) / pixels[0])
    per_pixel, at_zero = np.polyfit(pixels, costs, 1, w=1 / costs)
    if per_pixel < 0:
        per_pixel, at_zero = 0.0, _factor(1 / costs)
    elif at_zero < 0:
        per_pixel, at_zero = _factor(pixels / costs), 0.0
    return Line(float(at_zero), float(per_pixel))


def _factor(terms: np.ndarray) -> float:
    """Returns the k for which all k * terms are nearest to 1."""
    return float(terms.sum() / (terms @ terms))


@dataclasses.dataclass(frozen=True)
class MeasuredSteps:
    """What was measured of training steps on batches of one shape.

    Attributes:
        shape: of each domain.
        seconds: a step, without what is done only once.
        peak: most bytes held during the steps.
        sample_grid_peak: most bytes held while a sample grid of such pictures is drawn.
    """

    shape: Shape
    seconds: float
    peak: float
    sample_grid_peak: float = 0.0


@dataclasses.dataclass(frozen=True)
class StepCost:
    """What a step costs.

    Attributes:
        seconds: of the step.
        peak: most bytes held.
        is_measured: whether steps of just this shape were measured.
    """

    seconds: float
    peak: float
    is_measured: bool


@dataclasses.dataclass(frozen=True)
class CostModel:
    """What steps of any shape cost, by those that were measured.

    Attributes:
        measured: at least one.
        resting_bytes: held before a step: program, weights, moments.
        preparation_peak: most bytes held while the first step was prepared.
    """

    measured: Sequence[MeasuredSteps]
    resting_bytes: float = 0.0
    preparation_peak: float = 0.0

    def step(self, shape: Shape, parts: int = 1) -> StepCost:
        """Returns the cost of a step.

        Args:
            shape: the whole batch.
            parts: into which it is divided, one held at a time. Each costs a step's fixed time.
        """
        for steps in self.measured:
            if steps.shape == shape and parts == 1:
                peak_bytes = max(self.preparation_peak, steps.peak, steps.sample_grid_peak)
                return StepCost(steps.seconds, peak_bytes, is_measured=True)

        pixels = [pixels_of(steps.shape) for steps in self.measured]
        seconds = fit(zip(pixels, [steps.seconds for steps in self.measured], strict=True))
        if not seconds.per_pixel:  # something disturbed the smaller steps: the largest counts
            largest = max(self.measured, key=lambda steps: pixels_of(steps.shape))
            seconds = fit([(pixels_of(largest.shape), largest.seconds)])
        peaks = [steps.peak for steps in self.measured]
        peak = fit(zip(pixels, peaks, strict=True), self.resting_bytes)

        part = pixels_of(shape) / parts
        peak_bytes = max(self.preparation_peak, peak(part), self._sample_grid_peak(shape))
        return StepCost(parts * seconds(part), peak_bytes, is_measured=False)

    def _sample_grid_peak(self, shape: Shape) -> float:
        """Returns the bytes that a sample grid takes, whose pictures are drawn one by one."""
        _, height, width = shape
        points = []
        for steps in self.measured:
            _, measured_height, measured_width = steps.shape
            points.append((measured_height * measured_width, steps.sample_grid_peak))
        if not any(peak for _, peak in points):
            return 0.0
        return fit(points, self.resting_bytes)(height * width)


# ---- which shapes to measure ----


def shapes_to_measure(largest: Shape, multiple: int, smallest: int) -> list[Shape]:
    """Returns shapes from which to choose, smallest first, `largest` last.

    Args:
        largest: the shape asked for.
        multiple: sides must be multiples of it.
        smallest: of a side.
    """
    batch, height, width = largest
    shapes = {(1, height, width), largest}
    fewer = 2
    while fewer < batch:
        shapes.add((fewer, height, width))
        fewer *= 2
    for halvings in range(1, 20):  # of the pixels
        scale = 2 ** (-halvings / 2)
        smaller_height = round(height * scale / multiple) * multiple
        smaller_width = round(width * scale / multiple) * multiple
        if min(smaller_height, smaller_width) < max(smallest, multiple):
            break
        shapes.add((1, smaller_height, smaller_width))
    return sorted(shapes, key=pixels_of)


def first_shape(shapes: Sequence[Shape], usual: int = 64 * 64) -> Shape:
    """Returns the first shape to measure, of `usual` pixels or fewer where possible.

    It has at most a quarter of the largest one's pixels, so that a line can be drawn.
    """
    most = min(usual, pixels_of(shapes[-1]) / 4)
    small = [shape for shape in shapes if pixels_of(shape) <= most]
    return max(small, key=pixels_of) if small else shapes[0]


def next_shape(
    shapes: Sequence[Shape], measured: Sequence[MeasuredSteps], seconds: float
) -> Shape | None:
    """Returns the largest shape above all `measured` that can be measured in `seconds`.

    A second shape is measured in any case, if there is a larger one. None: nothing is left to do.
    """
    last = max(measured, key=lambda steps: pixels_of(steps.shape))
    larger = [shape for shape in shapes if pixels_of(shape) > pixels_of(last.shape)]
    seconds_per_pixel = FEWEST_STEPS * last.seconds / pixels_of(last.shape)
    affordable = [shape for shape in larger if seconds_per_pixel * pixels_of(shape) <= seconds]
    if affordable:
        return affordable[-1]
    if larger and len(measured) == 1:
        return larger[0]
    return None
