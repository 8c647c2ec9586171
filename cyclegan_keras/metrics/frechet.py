"""The Frechet distance of two sets of pictures; on Inception's features it is the FID."""

import math

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import groups, jackknife_stderr, normal_interval

_ROUNDING = 1e-12  # of a difference of sums in float64, as a share of them


def frechet_measures(evidence: Evidence) -> list[Measure]:
    """Returns the Frechet distance of translations and real pictures.

    With few pictures it is far too large. So the scores of real pictures and of copies are taken
    with as many pictures as there are translations, or with all where there are fewer.
    """
    network, translated, real = evidence.need("network", "translated", "real")
    fake, y = evidence.features("translated"), evidence.features("real")
    x, reals = evidence.features("inputs"), evidence.compared_reals()
    drawn = np.random.default_rng(evidence.seed).permutation(len(reals.first))[: len(fake)]
    real_score = math.nan
    if reals.are_enough:
        real_score = frechet(reals.first[drawn], reals.second)
    value = frechet(fake, y)
    stderr = frechet_stderr(fake, y, seed=evidence.seed)
    low, high = normal_interval(value, stderr)
    name = "FID" if network.name == "inception" else "Frechet distance"
    counts = (len(translated), len(real), len(drawn), len(x))
    return [
        Measure(
            name=name,
            value=value,
            low=low,
            high=high,
            real_score=real_score,
            copy_score=frechet(x, y),
            better="lower",
            n=counts,
            features=network.name,
            protocol="squared Frechet distance of two Gaussians, fitted to "
            f"{counts[0]} translated and {counts[1]} real pictures; n counts translated, real, "
            f"other real and input pictures; {evidence.features_protocol}; interval by a "
            "delete-a-group jackknife over pictures",
            stderr=stderr,
            note=f"The {name} is too large by an amount that falls with n: compare it only at the "
            f"same n. {reals.note}".rstrip(),
        )
    ]


def frechet(x: np.ndarray, y: np.ndarray) -> float:
    """Returns the squared Frechet distance of Gaussians fitted to two sets of features.

    |m_x - m_y|^2 + tr C_x + tr C_y - 2 tr (C_x C_y)^(1/2), with unbiased covariances; 0 where
    that is less than what rounding leaves, and so for two equal sets. For
    C_x = A'A and C_y = B'B the last trace is the sum of the singular values of AB', so that neither
    a covariance nor the root of a matrix is computed. That is exact also for fewer pictures than
    features, where C_x and C_y are singular and roots of matrices fail.

    Args:
        x: features, (n, d).
        y: features, (m, d).

    Raises:
        MetricError: n or m is 1 or less.

    Reference:
        Dowson and Landau, "The Frechet Distance between Multivariate Normal Distributions", 1982;
        Heusel et al., "GANs Trained by a Two Time-Scale Update Rule ...", 2017, section 4.
    """
    return _distance(_fit(x), _fit(y))


def frechet_stderr(x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> float:
    """Returns the standard error over the choice of pictures, by `jackknife_stderr`.

    It does not hold the bias of few pictures.
    """
    whole_x, whole_y = _fit(x), _fit(y)
    without_x = [_distance(_fit(np.delete(x, g, 0)), whole_y) for g in groups(len(x), seed=seed)]
    without_y = [_distance(whole_x, _fit(np.delete(y, g, 0))) for g in groups(len(y), seed=seed)]
    return jackknife_stderr(without_x, without_y)


def _fit(x):
    """Returns the mean and a root A of the covariance A'A, of min(n, d) rows."""
    x = np.asarray(x, "float64")
    if len(x) < 2:
        raise MetricError(f"A distance needs at least two pictures of each kind, not {len(x)}.")
    mean = x.mean(axis=0)
    return mean, np.linalg.qr((x - mean) / np.sqrt(len(x) - 1), mode="r")


def _distance(fit_x, fit_y):
    (mean_x, root_x), (mean_y, root_y) = fit_x, fit_y
    shared = np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()
    squares = [np.sum(np.square(part)) for part in (mean_x - mean_y, root_x, root_y)]
    distance = float(sum(squares) - 2 * shared)
    return distance if distance > _ROUNDING * sum(squares) else 0.0
