"""An evaluation as a page to look at."""

import json
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from cyclegan_keras.evaluation.protocol import Evaluation, Pictures
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.metrics.paired import l1
from cyclegan_keras.metrics.perceptual import perceptual_distance
from cyclegan_keras.report.base import Example
from cyclegan_keras.report.page import write_report

_NOT_CURVES = ("step", "epoch", "images_per_second")


def write_page(
    path: pathlib.Path,
    evaluations: Sequence[tuple[Evaluation, Pictures]],
    *,
    facts: Mapping[str, str],
    curves: Mapping[str, Sequence[tuple[int, float]]],
    network: FeatureNetwork | None,
    count: int,
) -> None:
    """Writes the report of several directions.

    Args:
        path: the HTML file; its folder is made.
        evaluations: what was found, and on which pictures.
        facts: about the model, for the head of the page.
        curves: name -> (step, value).
        network: sees how faithful a translation is; None: the error of its cycle tells.
        count: pictures of each direction; the worst half, and others spread evenly.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    examples = [
        example
        for evaluation, pictures in evaluations
        for example in _examples(evaluation, pictures, network, count)
    ]
    notes = [
        f"{evaluation.words}: not measured: {name}: {why}"
        for evaluation, _ in evaluations
        for name, why in evaluation.left_out.items()
    ]
    notes += list(dict.fromkeys(m.note for e, _ in evaluations for m in e.measures if m.note))
    write_report(
        path,
        title=f"{pathlib.Path(facts['model']).name}: {', '.join(e.words for e, _ in evaluations)}",
        summary=facts,
        measures={e.words: [m.to_dict() for m in e.measures] for e, _ in evaluations},
        examples=examples,
        curves=curves,
        notes=notes,
    )


def curves_of(metrics_file: pathlib.Path) -> dict[str, list[tuple[int, float]]]:
    """Returns the curves of a run's metrics.jsonl: name -> (step, value); empty without one."""
    curves: dict[str, list[tuple[int, float]]] = {}
    lines = metrics_file.read_text().splitlines() if metrics_file.is_file() else []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # the last line of a run that is just writing it
            continue
        for name, value in row.items():
            if name not in _NOT_CURVES and isinstance(value, int | float):
                curves.setdefault(name, []).append((row["step"], value))
    return curves


def _examples(
    evaluation: Evaluation, pictures: Pictures, network: FeatureNetwork | None, count: int
) -> list[Example]:
    scores = _scores(evaluation, pictures, network)
    names = pictures.names or [f"picture {i}" for i in range(len(pictures.inputs))]
    ranks = np.argsort([-each["faithfulness"] for each in scores], kind="stable")
    worst, others = ranks[: count // 2], ranks[count // 2 :]
    spread = np.linspace(0, len(others) - 1, min(count - len(worst), len(others))).astype(int)
    return [
        Example(
            name=names[i],
            direction=evaluation.words,
            before=pictures.inputs[i],
            after=evaluation.translated[i],
            cycled=None if evaluation.cycled is None else evaluation.cycled[i],
            truth=None if pictures.truth is None else pictures.truth[i],
            scores=scores[i],
        )
        for i in [*worst, *others[spread]]
    ]


def _scores(
    evaluation: Evaluation, pictures: Pictures, network: FeatureNetwork | None
) -> list[dict[str, float]]:
    """What each picture got by itself; "faithfulness" is its distance to the input."""
    scores: list[dict[str, float]] = [{} for _ in pictures.inputs]
    if network is not None:
        distances = perceptual_distance(network, pictures.inputs, evaluation.translated)
    else:
        kept = evaluation.cycled or evaluation.translated
        distances = [l1(a, b) for a, b in zip(pictures.inputs, kept, strict=True)]
    for index, score in enumerate(scores):
        score["faithfulness"] = float(distances[index])
        if evaluation.cycled is not None:
            score["L1 of the cycle"] = l1(pictures.inputs[index], evaluation.cycled[index])
        if pictures.truth is not None:
            score["L1 to the truth"] = l1(evaluation.translated[index], pictures.truth[index])
    return scores
