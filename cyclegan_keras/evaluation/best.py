"""Keeps the best generators of a training beside the last ones."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from cyclegan_keras.evaluation.features import open_features
from cyclegan_keras.evaluation.held_out import pictures_of
from cyclegan_keras.evaluation.options import SelectionOptions
from cyclegan_keras.evaluation.protocol import Evaluation, Pictures, evaluate
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import EvaluationError
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.runs.networks import save_generator
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tracker import Tracker
from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.training.gradient_steps import engine
from cyclegan_keras.translation.translator import Translator

RULE = (
    "least mean over directions of a distance divided by that of copying the input: L1 to the "
    "truth where test pictures have counterparts, KID otherwise; on every second test picture; "
    "where inputs and counterparts differ in channels, or copying is as good as can be, L1 is "
    "divided by the range of values instead, and KID is taken as it is"
)


def score(evaluations: list[Evaluation]) -> float:
    """Returns what `RULE` says, 0 for perfect translations and 1 for copies; lower is better.

    Where copies say nothing, 1 is an error as large as the range of the values, or a KID of 1. That
    is so where inputs have other channels than their counterparts, and where copying them is as
    good as can be: where they equal their counterparts, or the KID of copies is not above zero.

    Raises:
        ValueError: a direction has neither of the two measures.
    """
    ratios = []
    for evaluation in evaluations:
        measures = {measure.name: measure for measure in evaluation.measures}
        distance = measures.get("L1 to the truth") or measures.get("KID")
        if distance is None:
            raise ValueError(f"{evaluation.words} has no measure to choose by.")
        divisor = distance.copy_score
        if math.isnan(divisor) or divisor <= 0:
            values = evaluation.target_values
            divisor = values.high - values.low if distance.name == "L1 to the truth" else 1.0
        ratios.append(distance.value / divisor)
    return float(np.mean(ratios))


def is_comparable(best: Mapping[str, Any]) -> bool:
    """Whether the score in best.json is what `RULE` gives too.

    Earlier rules differ from it only where copies say nothing: they divided by the score of copies
    that was 0 or less, and a KID without copies by the range of the values.
    """
    if best["rule"] == RULE:
        return True
    for direction in best["directions"].values():
        measures = {measure["name"]: measure for measure in direction["measures"]}
        of_pairs, of_sets = measures.get("L1 to the truth"), measures.get("KID")
        if of_pairs:
            if of_pairs["ceiling"] is not None and of_pairs["ceiling"] <= 0:
                return False
        elif of_sets["ceiling"] is None or of_sets["ceiling"] <= 0:
            return False
    return True


class KeepBest(StepCallback):
    """Evaluates every `every` steps; writes best/ when a model is the best so far.

    best/ holds the generators as `generator_g.keras` and so on, and `best.json`: step, score, rule
    and measures. Every evaluation is a line of metrics.jsonl and goes to TensorBoard.

    Args:
        run: where the generators are kept.
        tracker: shows the measures as curves.
        every: steps between evaluations.
        pictures: direction ("x_to_y") -> real pictures.
        network: computes features of pictures; None where they have counterparts.
        seed: of what is drawn at random.
    """

    def __init__(
        self,
        run: Run,
        tracker: Tracker,
        *,
        every: int,
        pictures: Mapping[str, Pictures],
        network: FeatureNetwork | None,
        seed: int = 0,
    ):
        super().__init__()
        self.run, self.tracker = run, tracker
        self.every = every
        self.pictures = dict(pictures)
        self.network = network
        self.seed = seed
        self.folder = run.directory / "best"

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.translators = {}
        for direction in self.pictures:
            generator = self.model.generator(direction)
            translator = Translator(engine.compiled(generator), generator.description)
            self.translators[direction] = translator

    def after_step(self, before, logs):
        if self.crossed(before, self.every):
            self.evaluate()

    def evaluate(self) -> None:
        """Measures the generators as they are, and keeps them when they are the best so far."""
        # ---- measure ----
        metrics = ["paired"] if self.network is None else ["kid", "perceptual"]
        evaluations = {}
        for direction, pictures in self.pictures.items():
            source, target = direction.split("_to_")
            evaluations[direction] = evaluate(
                self.translators[direction],
                None,
                pictures,
                source=source,
                target=target,
                network=self.network,
                metrics=metrics,
                seed=self.seed,
            )
        new_score = score(list(evaluations.values()))

        # ---- log ----
        row = {}
        for direction, evaluation in evaluations.items():
            for measure in evaluation.measures:
                row[f"eval/{direction}/{measure.name}"] = measure.value
        row["eval/score"] = new_score
        self.run.append_metrics({"step": self.step} | row)
        self.tracker.scalars(self.step, row)

        # ---- keep ----
        best_score = self.best_score()
        if best_score is None or new_score < best_score:
            self.keep(new_score, evaluations)
            best_score = new_score
        logging.info(
            "Step %d: score %.4f (lower is better), best %.4f.", self.step, new_score, best_score
        )

    def best_score(self) -> float | None:
        """Returns the score in best/, or None where there is none.

        A training that was killed after its last checkpoint continues from before the step that
        best/ may hold. It arrives at that step once more, so the score there does not count. Nor
        does a score by an earlier rule that cannot be compared with those of `RULE`.
        """
        try:
            best = json.loads((self.folder / "best.json").read_text())
            if best["step"] > self.step:
                return None
            if not is_comparable(best):
                logging.info(
                    "The best generators so far, of step %d, were chosen by an earlier rule: the "
                    "choice begins anew.",
                    best["step"],
                )
                return None
            return float(best["score"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, new_score: float, evaluations: Mapping[str, Evaluation]) -> None:
        """Writes the generators, then best.json."""
        make_folder(self.folder)
        for direction in self.pictures:
            name = self.model.translators[direction]
            with atomic_write(self.folder / f"{name}.keras") as temporary:
                save_generator(self.model, self.run, direction, temporary)
        best = {
            "step": self.step,
            "score": new_score,
            "rule": RULE,
            "directions": {
                direction: evaluation.to_dict() for direction, evaluation in evaluations.items()
            },
        }
        with atomic_write(self.folder / "best.json") as temporary:
            temporary.write_text(json.dumps(best, indent=2) + "\n")


def callbacks_for(
    options: SelectionOptions, trainer, data, run: Run, tracker: Tracker, *, seed: int
) -> list[KeepBest]:
    """Returns the callback that --eval_every asks for, or none.

    Args:
        options: every how many steps, and on how many pictures.
        trainer: will be evaluated.
        data: a `pipelines.data.Data`.
        run: where the best generators are kept.
        tracker: see `KeepBest`.
        seed: see `KeepBest`.

    Raises:
        EvaluationError: there are no test pictures, too few, or no feature network.
    """
    if not options.eval_every:
        return []
    if not data.has_test:
        raise EvaluationError(
            f"--eval_every chooses by test pictures, but {data.name} has none: add testA and testB."
        )
    pictures = pictures_of(data, "selection", options.eval_pictures)
    network = None if data.paired_test else open_features("efficientnet_lite0")
    of_trainer = {direction: pictures[direction] for direction in trainer.translators}
    return [
        KeepBest(
            run,
            tracker,
            every=options.eval_every,
            pictures=of_trainer,
            network=network,
            seed=seed,
        )
    ]
