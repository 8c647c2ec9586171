"""Shapes of which the demo sets are drawn: distances to their outlines, and paint within them."""

import numpy as np


def paint(behind, front, distance) -> np.ndarray:
    """Paints `front` over `behind` where `distance` is negative, with an edge one pixel wide.

    Args:
        behind: what is there so far.
        front: what is painted, of a shape that fits.
        distance: to the outline of a shape in pixels, negative inside.
    """
    return behind + (front - behind) * np.clip(0.5 - distance, 0, 1)


def ellipse(x, y, radius_x: float, radius_y: float) -> np.ndarray:
    """Returns the distance to an ellipse around 0, exact to first order at its outline."""
    value = np.hypot(x / radius_x, y / radius_y)
    slope = np.hypot(x / radius_x**2, y / radius_y**2)
    return value * (value - 1) / np.maximum(slope, 1e-6)


def capsule(x, y, start, end, radius: float) -> np.ndarray:
    """Returns the distance to a line from `start` to `end`, `radius` thick, with round ends."""
    along_x = end[0] - start[0]
    along_y = end[1] - start[1]
    x = x - start[0]
    y = y - start[1]
    share = np.clip((x * along_x + y * along_y) / (along_x**2 + along_y**2), 0, 1)
    return np.hypot(x - share * along_x, y - share * along_y) - radius
