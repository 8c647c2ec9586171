"""An evaluation as a page to look at."""

import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cyclegan_keras.evaluation.protocol import Evaluation, Pictures
from cyclegan_keras.evaluation.tables import class_rows
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.images.form import Form, to_rgb
from cyclegan_keras.images.window import Window
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.metrics.paired import l1
from cyclegan_keras.metrics.perceptual import perceptual_distance
from cyclegan_keras.report.page import Example, write_report
from cyclegan_keras.report.section import Section, Table

_NOT_CURVES = ("step", "epoch", "images_per_second")


def write_page(
    path: pathlib.Path,
    evaluations: Sequence[tuple[Evaluation, Pictures]],
    *,
    facts: Mapping[str, str],
    curves: Mapping[str, Sequence[tuple[int, float]]],
    network: FeatureNetwork | None,
    count: int,
    sections: Sequence[Section] = (),
) -> None:
    """Writes the report of several directions.

    Args:
        path: the HTML file; its folder is made.
        evaluations: what was found, and on which pictures.
        facts: about the model, for the head of the page.
        curves: name -> (step, value).
        network: measures how faithful a translation is; None: the error of its cycle is taken.
        count: pictures of each direction; the worst half, and others spread evenly.
        sections: further ones of the page.
    """
    make_folder(path.parent)
    examples, notes, explanations = [], [], []
    for evaluation, pictures in evaluations:
        examples += _examples(evaluation, pictures, network, count)
        notes += [f"{evaluation.words}, {sentence}" for sentence in evaluation.not_measured()]
        of_source, of_target = _windows(pictures)
        explanations += _notes_on_views(evaluation.source, pictures.source_form, of_source)
        explanations += _notes_on_views(evaluation.target, pictures.target_form, of_target)
        explanations += [measure.note for measure in evaluation.measures if measure.note]
    notes += list(dict.fromkeys(explanations))
    directions = ", ".join(evaluation.words for evaluation, _ in evaluations)
    write_report(
        path,
        title=f"{pathlib.Path(facts['model']).name}: {directions}",
        summary=facts,
        measures={evaluation.words: evaluation.measures for evaluation, _ in evaluations},
        examples=examples,
        curves=curves,
        notes=notes,
        sections=[*_sections_on_classes(evaluation for evaluation, _ in evaluations), *sections],
    )


def _sections_on_classes(evaluations: Iterable[Evaluation]) -> list[Section]:
    """Returns a section with the numbers of each class, where measures are means over classes."""
    tables = []
    for evaluation in evaluations:
        cells = class_rows(evaluation.measures)
        if cells:
            table = Table(heading=evaluation.words, header=cells[0], rows=tuple(cells[1:]))
            tables.append(table)
    return [Section(title="Classes", tables=tables)] if tables else []


def curves_of(metrics_file: pathlib.Path) -> dict[str, list[tuple[int, float]]]:
    """Returns the curves of a run's metrics.jsonl: name -> (step, value); empty without one."""
    curves: dict[str, list[tuple[int, float]]] = {}
    lines = metrics_file.read_text().splitlines() if metrics_file.is_file() else []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # the last line, which a training is writing just now
            continue
        for name, value in row.items():
            if name not in _NOT_CURVES and isinstance(value, int | float):
                curves.setdefault(name, []).append((row["step"], value))
    return curves


def _notes_on_views(domain: str, form: Form, window: Window) -> list[str]:
    """Returns what a reader must know of how a domain's pictures are shown."""
    notes = []
    if window.words:
        low, high = window.words.split("..")
        notes.append(f"Pictures of {domain} are shown with {low} as black and {high} as white.")
    if form.channels not in (1, 3):
        shown = "three are" if form.channels > 3 else "one is"
        notes.append(f"Of the {form.channels} channels of {domain} the first {shown} shown.")
    return notes


def _windows(pictures: Pictures) -> tuple[Window, Window]:
    """Returns in which windows the pictures of the source and of the target are shown."""
    return (
        Window.of(pictures.inputs, pictures.source_form),
        Window.of(pictures.real, pictures.target_form),
    )


def _examples(
    evaluation: Evaluation, pictures: Pictures, network: FeatureNetwork | None, count: int
) -> list[Example]:
    scores = _scores(evaluation, pictures, network)
    of_source, of_target = _windows(pictures)
    names = pictures.names or [f"picture {i}" for i in range(len(pictures.inputs))]
    worst_first = np.argsort([-each["faithfulness"] for each in scores], kind="stable")
    worst, others = worst_first[: count // 2], worst_first[count // 2 :]
    positions = np.linspace(0, len(others) - 1, min(count - len(worst), len(others))).astype(int)
    examples = []
    for i in np.concatenate([worst, others[positions]]):
        example = Example(
            name=names[i],
            direction=evaluation.words,
            before=of_source.view(pictures.inputs[i]),
            after=of_target.view(evaluation.translated[i]),
            cycled=None if evaluation.cycled is None else of_source.view(evaluation.cycled[i]),
            truth=None if pictures.truth is None else of_target.view(pictures.truth[i]),
            scores=scores[i],
        )
        examples.append(example)
    return examples


def _scores(
    evaluation: Evaluation, pictures: Pictures, network: FeatureNetwork | None
) -> list[dict[str, float]]:
    """Returns the scores of each picture by itself; "faithfulness" is its distance to the input."""
    source_values, target_values = pictures.source_form.values, pictures.target_form.values
    inputs = [to_rgb(picture) for picture in pictures.inputs]
    if network is not None:
        translated = [to_rgb(picture) for picture in evaluation.translated]
        distances = list(perceptual_distance(network, inputs, translated))
    else:
        compared = [to_rgb(picture) for picture in evaluation.cycled or evaluation.translated]
        distances = [l1(a, b) for a, b in zip(inputs, compared, strict=True)]
    scores = []
    for index, distance in enumerate(distances):
        score = {"faithfulness": float(distance)}
        if evaluation.cycled is not None:
            score["L1 of the cycle"] = l1(
                pictures.inputs[index], evaluation.cycled[index], source_values
            )
        if pictures.truth is not None:
            score["L1 to the truth"] = l1(
                evaluation.translated[index], pictures.truth[index], target_values
            )
        scores.append(score)
    return scores
