"""How well label maps agree with what a segmentation network sees in their translations.

Also the other way round: how well label maps that were translated from photos agree with the true
ones.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from absl import logging
from tqdm import tqdm

from cyclegan_keras.files.errors import MetricError, first_few
from cyclegan_keras.images.values import Values
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.class_list import (
    EXACT,
    IGNORED,
    UNKNOWN,
    ClassList,
    to_classes,
    to_nearest_classes,
    unknown_colors,
)
from cyclegan_keras.metrics.intervals import bootstrap_interval
from cyclegan_keras.metrics.segmentation_network import SegmentationNetwork

_LOOKED_AT = 8  # pictures of each domain, to find out which of them are label maps
_LEAST_KNOWN = 0.5  # share of the pixels of label maps whose color is in the class list
_WORTH_A_NOTE = 0.001  # share of pixels of unknown colors
_FORMULAS = (
    "sum n_ii / sum t_i, mean over classes of n_ii / t_i, and of n_ii / (t_i + sum_j n_ji - n_ii), "
    "where n_ij pixels of class i are taken for class j, and t_i are of class i, in all pictures "
    "together"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Segmentation:
    """What label maps mean, and what finds the same classes in photos.

    Attributes:
        classes: of the label maps.
        network: segments photos; None: only photos that are translated to label maps are measured.
    """

    classes: ClassList
    network: SegmentationNetwork | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scores:
    """Agreement with label maps, each from 0 to 1.

    Attributes:
        pixel_accuracy: (...); sum_i n_ii / sum_i t_i.
        class_accuracy: (...); the mean of `class_accuracies` over classes in the label maps.
        mean_iou: (...); the mean of `ious` over these classes.
        class_accuracies: (..., n); n_ii / t_i, NaN for classes that are not in the label maps.
        ious: (..., n); n_ii / (t_i + sum_j n_ji - n_ii), NaN for the same.
    """

    pixel_accuracy: np.ndarray
    class_accuracy: np.ndarray
    mean_iou: np.ndarray
    class_accuracies: np.ndarray
    ious: np.ndarray


def confusion_of(truth: np.ndarray, predicted: np.ndarray, count: int) -> np.ndarray:
    """Counts pixels by what they show and by what they are taken for.

    Args:
        truth: integers, any shape; pixels outside of 0 to count - 1 are left out.
        predicted: the same shape; what is outside of 0 to count - 1 is none of the classes.
        count: the number of classes, n.

    Returns:
        int64 (n, n + 1): n_ij is how many pixels of class i are taken for class j. In the last
        column are those that are taken for none of the classes.
    """
    counts = truth.ravel().astype(np.int64)
    is_counted = (counts >= 0) & (counts < count)
    taken_for = predicted.ravel().astype(np.int64)[is_counted]
    taken_for[(taken_for < 0) | (taken_for >= count)] = count
    cells = counts[is_counted] * (count + 1) + taken_for
    return np.bincount(cells, minlength=count * (count + 1)).reshape(count, count + 1)


def scores_of(confusion: np.ndarray) -> Scores:
    """Returns the scores of confusion matrices.

    Classes that are in no label map have no accuracy, and are left out of both means.

    Args:
        confusion: (..., n, n + 1), as `confusion_of` returns it, summed over pictures.

    Reference:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2015, section 5.
    """
    confusion = np.asarray(confusion, np.float64)
    n = confusion.shape[-2]
    right = confusion[..., np.arange(n), np.arange(n)]  # n_ii
    true = confusion.sum(axis=-1)  # t_i
    predicted = confusion[..., :n].sum(axis=-2)  # sum_j n_ji
    is_there = true > 0
    present = np.maximum(is_there.sum(axis=-1), 1)
    accuracies = np.where(is_there, right / np.maximum(true, 1), 0)
    ious = np.where(is_there, right / np.maximum(true + predicted - right, 1), 0)
    return Scores(
        pixel_accuracy=right.sum(axis=-1) / np.maximum(true.sum(axis=-1), 1),
        class_accuracy=accuracies.sum(axis=-1) / present,
        mean_iou=ious.sum(axis=-1) / present,
        class_accuracies=np.where(is_there, accuracies, np.nan),
        ious=np.where(is_there, ious, np.nan),
    )


def segmentation_measures(evidence: Evidence) -> list[Measure]:
    """Returns per-pixel accuracy, per-class accuracy and class IoU.

    Where the inputs are label maps, translations are segmented by a network, and compared with
    them. Where the targets are label maps, so are translations: each of their pixels is taken for
    the class of the nearest color, and compared with the true counterpart.

    Raises:
        MetricError: something is missing, or neither side shows label maps of the class list.
    """
    segmentation, translated = evidence.need("segmentation", "translated")
    targets = evidence.truth if evidence.truth is not None else evidence.real
    share_of_inputs = _known_share(evidence.inputs, evidence.source_values, segmentation.classes)
    share_of_targets = 0.0
    if targets is not None:
        share_of_targets = _known_share(targets, evidence.target_values, segmentation.classes)
    if max(share_of_inputs, share_of_targets) < _LEAST_KNOWN:
        raise MetricError(
            f"Neither inputs nor targets are label maps of {segmentation.classes.source}: only "
            f"{share_of_inputs:.0%} and {share_of_targets:.0%} of their pixels have colors or "
            "numbers that it lists."
        )
    if share_of_inputs >= share_of_targets:
        return _of_photos(evidence, segmentation, translated)
    return _of_label_maps(evidence, segmentation, translated)


# ---- labels -> photo ----


def _of_photos(evidence, segmentation, translated) -> list[Measure]:
    """Measures translations of label maps to photos."""
    network, classes = segmentation.network, segmentation.classes
    if network is None:
        raise MetricError(
            "Translations of label maps to photos need a segmentation network: give "
            "--segmentation_model."
        )
    truth = _read_label_maps(evidence.inputs, evidence.source_values, classes)
    labels, count = truth.labels, len(classes.scored)
    matrices = np.zeros((len(translated), count, count + 1), np.int64)
    others = np.zeros_like(matrices)
    for index, predicted in _segmented(segmentation, evidence, "translated", labels):
        matrices[index] = confusion_of(labels[index], predicted, count)
        others[index] = _confusion_with_next(labels, index, predicted, count)
    copies = np.zeros((count, count + 1), np.int64)
    for index, predicted in _segmented(segmentation, evidence, "inputs", labels):
        copies += confusion_of(labels[index], predicted, count)
    real_scores = None
    notes = [truth.note]
    if evidence.truth is not None:
        photos = np.zeros_like(copies)
        for index, predicted in _segmented(segmentation, evidence, "truth", labels):
            photos += confusion_of(labels[index], predicted, count)
        real_scores = scores_of(photos)
    else:
        notes.append(
            "There is no score of real photos, since the label maps have no known counterparts; "
            "--pairs_by_name takes pictures of one name as such."
        )
    notes.append(
        f"Scores of {network.name} compare only with scores of the same network: they are not "
        "those of the papers, whose FCN-8s is a network of Caffe."
    )
    return _measures(
        classes,
        matrices=matrices,
        others=others,
        real_scores=real_scores,
        copy_scores=scores_of(copies),
        features=network.name,
        protocol=f"translations are {network.protocol}; truth: the label map that was translated, "
        f"by {classes.source}",
        notes=notes,
        seed=evidence.seed,
    )


def _segmented(
    segmentation: Segmentation, evidence: Evidence, role: str, labels: Sequence[np.ndarray]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the index of each picture in `role`, and its classes at the size of its label map.

    Classes that are ignored, where the network has outputs for them, are `IGNORED`.
    """
    network, classes = segmentation.network, segmentation.classes
    has_outputs_for_ignored = network.outputs == len(classes.all_names)
    names = classes.all_names if has_outputs_for_ignored else classes.scored
    position = {name: index for index, name in enumerate(classes.scored)}
    scored_class = np.array([position.get(name, IGNORED) for name in names], np.int16)
    found = network.classes(evidence.views(role), [each.shape for each in labels])
    bar = tqdm(
        found, desc=f"segmenting: {role}", total=len(labels), unit="img", leave=False, disable=None
    )
    for index, predicted in bar:
        yield index, scored_class[predicted]


# ---- photo -> labels ----


def _of_label_maps(evidence, segmentation, translated) -> list[Measure]:
    """Measures translations of photos to label maps."""
    (true_maps,) = evidence.need("truth")
    classes = segmentation.classes
    values = evidence.target_values
    truth = _read_label_maps(true_maps, values, classes)
    count = len(classes.scored)
    matrices, others, copies = [], [], []
    inputs_fit = evidence.source_values == evidence.target_values
    bar = tqdm(
        range(len(translated)), desc="comparing label maps", unit="img", leave=False, disable=None
    )
    for index in bar:
        predicted = to_nearest_classes(_numbers(translated[index], values), classes)
        matrices.append(confusion_of(truth.labels[index], predicted, count))
        others.append(_confusion_with_next(truth.labels, index, predicted, count))
        if inputs_fit:
            copied = to_nearest_classes(_numbers(evidence.inputs[index], values), classes)
            copies.append(confusion_of(truth.labels[index], copied, count))
    notes = [truth.note]
    copy_scores = None
    if inputs_fit:
        copy_scores = scores_of(np.sum(copies, axis=0))
    else:
        notes.append("Photos have other numbers than label maps, so copies have no score.")
    return _measures(
        classes,
        matrices=np.stack(matrices),
        others=np.stack(others),
        real_scores=scores_of(np.eye(count, count + 1)),
        copy_scores=copy_scores,
        features="pixels",
        protocol="each pixel of a translation is taken for the class of the nearest color; truth: "
        f"the true label map, by {classes.source}",
        notes=notes,
        seed=evidence.seed,
    )


# ---- both ----


@dataclasses.dataclass(frozen=True, kw_only=True)
class _LabelMaps:
    """Label maps as classes.

    Attributes:
        labels: int16 (height, width) each, see `to_classes`.
        note: which of their colors are not in the class list; "" where all are.
    """

    labels: list[np.ndarray]
    note: str


def _read_label_maps(
    pictures: Sequence[np.ndarray], values: Values, classes: ClassList
) -> _LabelMaps:
    """Returns the classes of label maps; says which colors the list does not know.

    Raises:
        MetricError: no pixel has a class that is scored.
    """
    labels: list[np.ndarray] = []
    unknown: dict[tuple[int, ...], int] = {}
    for picture in pictures:
        numbers = _numbers(picture, values)
        found = to_classes(numbers, classes)
        labels.append(found)
        for color, pixels in unknown_colors(numbers, found).items():
            unknown[color] = unknown.get(color, 0) + pixels
    pixels = sum(each.size for each in labels)
    if not any((each >= 0).any() for each in labels):
        raise MetricError(f"The label maps show none of the classes of {classes.source}.")
    share = sum(unknown.values()) / pixels
    if share < _WORTH_A_NOTE:
        return _LabelMaps(labels=labels, note="")
    frequent = sorted(unknown, key=lambda color: -unknown[color])
    named = [f"{_color_words(color)} ({unknown[color] / pixels:.2%})" for color in frequent[:5]]
    kind = "numbers" if classes.are_numbers else "colors"
    note = (
        f"{share:.1%} of the pixels of label maps have {kind} that {classes.source} does not list, "
        f"and are ignored: {first_few(named)}"
        + (f" and {len(frequent) - 5} other {kind}." if len(frequent) > 5 else ".")
    )
    logging.warning("%s", note)
    return _LabelMaps(labels=labels, note=note)


def _known_share(pictures: Sequence[np.ndarray], values: Values, classes: ClassList) -> float:
    """Returns the share of pixels whose color is very near to one of the list."""
    chosen = np.linspace(0, len(pictures) - 1, min(_LOOKED_AT, len(pictures))).round().astype(int)
    shares = []
    for index in chosen:
        if pictures[index].shape[-1] not in (1, 3):
            return 0.0
        labels = to_classes(_numbers(pictures[index], values), classes, limit=EXACT)
        shares.append((labels != UNKNOWN).mean())
    return float(np.mean(shares))


def _numbers(picture: np.ndarray, values: Values) -> np.ndarray:
    """Returns a picture of a domain as the numbers of its files."""
    if picture.dtype == np.uint8:
        return picture
    return np.rint(values.from_network(picture)).astype(np.int64)


def _confusion_with_next(
    labels: Sequence[np.ndarray], index: int, predicted: np.ndarray, count: int
) -> np.ndarray:
    """Compares with the label map of the next picture; nothing is counted where sizes differ."""
    other = labels[(index + 1) % len(labels)]
    if other.shape != predicted.shape:
        return np.zeros((count, count + 1), np.int64)
    return confusion_of(other, predicted, count)


def _measures(
    classes: ClassList,
    *,
    matrices: np.ndarray,
    others: np.ndarray,
    real_scores: Scores | None,
    copy_scores: Scores | None,
    features: str,
    protocol: str,
    notes: Iterable[str],
    seed: int,
) -> list[Measure]:
    """Returns the three measures of confusion matrices, (pictures, n, n + 1)."""
    matrices = matrices[matrices.sum(axis=(1, 2)) > 0]
    scores = scores_of(matrices.sum(axis=0))
    absent = [
        name
        for name, value in zip(classes.scored, scores.ious, strict=True)
        if math.isnan(float(value))
    ]
    notes = [note for note in notes if note]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        notes.append(f"In no label map, and so in no mean, {verb} {', '.join(absent)}.")
    has_chance = len(matrices) > 1 and others.sum() > 0
    chance_scores = scores_of(others.sum(axis=0)) if has_chance else None

    def score_of(found: Scores | None, field: str) -> float:
        return math.nan if found is None else float(getattr(found, field))

    measures = []
    for name, field, field_of_classes in (
        ("Per-pixel accuracy", "pixel_accuracy", None),
        ("Per-class accuracy", "class_accuracy", "class_accuracies"),
        ("Class IoU", "mean_iou", "ious"),
    ):
        low, high = _interval(matrices, field, seed)
        by_class = None
        if field_of_classes:
            values = getattr(scores, field_of_classes)
            by_class = dict(zip(classes.scored, map(float, values), strict=True))
        measures.append(
            Measure(
                name=name,
                value=score_of(scores, field),
                low=low,
                high=high,
                real_score=score_of(real_scores, field),
                copy_score=score_of(copy_scores, field),
                better="higher",
                n=(len(matrices),),
                features=features,
                protocol=f"{_FORMULAS}; {protocol}; classes that are in no label map are left out; "
                "n counts pictures; percentile bootstrap over pictures",
                chance=None if chance_scores is None else score_of(chance_scores, field),
                note=" ".join(notes),
                by_class=by_class,
            )
        )
    return measures


def _interval(matrices: np.ndarray, field: str, seed: int) -> tuple[float, float]:
    """Returns the bootstrap interval over pictures of a score of their summed matrices."""
    pictures, n = matrices.shape[:2]
    flat = matrices.reshape(pictures, -1).astype(np.float64)

    def statistic(drawn):
        times = np.stack([np.bincount(indices, minlength=pictures) for indices in drawn])
        sums = (times @ flat).reshape(-1, n, n + 1)
        return getattr(scores_of(sums), field)

    return bootstrap_interval(np.arange(pictures), statistic, seed=seed)


def _color_words(color: tuple[int, ...]) -> str:
    if len(color) == 3:
        return "#{:02x}{:02x}{:02x}".format(*color)
    return str(color[0])
