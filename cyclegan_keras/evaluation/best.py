"""Keeps the best generators of a training beside the last ones."""

import json
import pathlib
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from absl import logging

from cyclegan_keras.cli import backends
from cyclegan_keras.evaluation.features import open_features
from cyclegan_keras.evaluation.held_out import pictures_of
from cyclegan_keras.evaluation.options import SelectionOptions
from cyclegan_keras.evaluation.protocol import Evaluation, Pictures, evaluate
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import EvaluationError
from cyclegan_keras.metrics.features import FeatureNetwork
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.translation.translator import Translator

RULE = (
    "least mean over directions of a distance divided by that of copying the input: L1 to the "
    "truth where test pictures have counterparts, KID otherwise; on every second test picture"
)


def score(evaluations: list[Evaluation]) -> float:
    """Returns what `RULE` says, 0 for perfect translations and 1 for copies; lower is better.

    Raises:
        ValueError: a direction has neither of the two measures.
    """
    shares = []
    for evaluation in evaluations:
        measures = {measure.name: measure for measure in evaluation.measures}
        chosen = measures.get("L1 to the truth") or measures.get("KID")
        if chosen is None:
            raise ValueError(f"{evaluation.words} has no measure to choose by.")
        shares.append(chosen.value / chosen.ceiling)
    return float(np.mean(shares))


class KeepBest(StepCallback):
    """Evaluates every `every` steps; writes best/ when a model is the best so far.

    best/ holds the generators as `generator_g.keras` and so on, and `best.json`: step, score, rule
    and measures. Every evaluation is a line of metrics.jsonl and goes to TensorBoard.

    Args:
        run: where they are kept.
        every: steps between evaluations.
        pictures: direction ("x_to_y") -> real pictures.
        network: looks at pictures; None where they have counterparts.
        save: writes one generator (direction, path).
        seed: of what is drawn at random.
    """

    def __init__(
        self,
        run: Run,
        every: int,
        pictures: Mapping[str, Pictures],
        network: FeatureNetwork | None,
        save: Callable[[str, pathlib.Path], None],
        seed: int = 0,
    ):
        super().__init__()
        self.run, self.every, self.pictures = run, every, dict(pictures)
        self.network, self.save, self.seed = network, save, seed
        self.folder = run.directory / "best"

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.writer = tf.summary.create_file_writer(str(self.run.tensorboard))
        self.translate = {way: _translator(self.model.generator(way)) for way in self.pictures}

    def after_step(self, before, logs):
        if self.crossed(before, self.every):
            self.evaluate()

    def on_train_end(self, logs=None):
        self.writer.close()

    def evaluate(self) -> None:
        """Measures the generators as they are, and keeps them when they are the best so far."""
        metrics = ["paired"] if self.network is None else ["kid", "perceptual"]
        found = {
            way: evaluate(
                self.translate[way],
                None,
                pictures,
                source=way[0],
                target=way[-1],
                network=self.network,
                metrics=metrics,
                seed=self.seed,
            )
            for way, pictures in self.pictures.items()
        }
        row = {
            f"eval/{way}/{measure.name}": measure.value
            for way, evaluation in found.items()
            for measure in evaluation.measures
        }
        row["eval/score"] = reached = score(list(found.values()))
        self.run.append_metrics({"step": self.step, **row})
        with self.writer.as_default(step=self.step):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self.writer.flush()
        best = self.best_so_far()
        if best is None or reached < best:
            self.keep(reached, found)
        logging.info(
            "Step %d: score %.4f (copying 1), best %.4f.",
            self.step,
            reached,
            reached if best is None else min(reached, best),
        )

    def best_so_far(self) -> float | None:
        """Returns the score in best/; None where none is, or it is of a step yet to come.

        The latter happens when a training was killed behind its last checkpoint: it comes again.
        """
        path = self.folder / "best.json"
        try:
            told = json.loads(path.read_text())
            return float(told["score"]) if told["step"] <= self.step else None
        except (OSError, ValueError, KeyError):
            return None

    def keep(self, reached: float, found: Mapping[str, Evaluation]) -> None:
        """Writes the generators, then what is known of them."""
        self.folder.mkdir(exist_ok=True)
        for way in self.pictures:
            with atomic_write(self.folder / f"{self.model.translators[way]}.keras") as temporary:
                self.save(way, temporary)
        told = {
            "step": self.step,
            "score": reached,
            "rule": RULE,
            "directions": {way: evaluation.to_dict() for way, evaluation in found.items()},
        }
        with atomic_write(self.folder / "best.json") as temporary:
            temporary.write_text(json.dumps(told, indent=2) + "\n")


def callbacks_for(
    options: SelectionOptions, trainer, data, run: Run, save: Callable, *, seed: int
) -> list[KeepBest]:
    """Returns the callback that --eval_every asks for, or none.

    Args:
        options: how often, and on how many pictures.
        trainer: will be evaluated.
        data: a `pipelines.data.Data`.
        run: where the best generators are kept.
        save: see `KeepBest`.
        seed: see `KeepBest`.

    Raises:
        EvaluationError: there are no test pictures, too few, or no feature network.
    """
    if not options.eval_every:
        return []
    backends.need_tensorflow("--eval_every")
    if not data.has_test:
        raise EvaluationError(
            f"--eval_every chooses by test pictures, but {data.name} has none: add testA and testB."
        )
    pictures = pictures_of(data, "selection", options.eval_pictures)
    network = None if data.paired_test else open_features("efficientnet_lite0")
    chosen = {way: pictures[way] for way in trainer.translators}
    return [KeepBest(run, options.eval_every, chosen, network, save, seed)]


def _translator(generator) -> Translator:
    shape = (None, None, None, generator.input_shape[-1])
    graph = tf.function(
        lambda images: generator(images, training=False),
        input_signature=[tf.TensorSpec(shape, name="images")],
    )
    return Translator(graph, generator.description)
