import json

import numpy as np
import pytest

from cyclegan_keras.evaluation.best import KeepBest, SelectionOptions, callbacks_for, score
from cyclegan_keras.evaluation.protocol import Evaluation, Pictures, evaluate
from cyclegan_keras.files.errors import EvaluationError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tensorboard import TensorBoard
from pipelines.data import Data
from pipelines.options import DataOptions

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")
INPUTS = list(np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8))
TRUTH = [255 - picture for picture in INPUTS]
PICTURES = Pictures(inputs=INPUTS, real=TRUTH, other_real=TRUTH, truth=TRUTH)


def result(translate):
    return evaluate(
        translate, None, PICTURES, source="x", target="y", network=None, metrics=["paired"]
    )


def test_the_score_runs_from_perfect_to_copying():
    assert score([result(lambda x: -x)]) == 0
    assert score([result(lambda x: x)]) == 1
    assert score([result(lambda x: -x), result(lambda x: x)]) == 0.5


@pytest.mark.parametrize("metrics", ["paired", "kid"])
def test_a_score_where_copying_is_perfect_still_prefers_what_is_nearer(metrics, toy_network):
    pictures = Pictures(inputs=INPUTS, real=INPUTS, other_real=INPUTS, truth=INPUTS)
    scores = [
        score(
            [
                evaluate(
                    translate,
                    None,
                    pictures,
                    source="x",
                    target="y",
                    network=toy_network,
                    metrics=[metrics],
                )
            ]
        )
        for translate in (lambda x: x, lambda x: 0.9 * x - 0.1, lambda x: 0.5 * x - 0.5)
    ]
    assert np.isfinite(scores).all()
    assert scores == sorted(scores)
    assert len(set(scores)) == 3


def test_without_a_distance_there_is_no_score():
    empty = Evaluation(source="x", target="y", measures=[], left_out={}, translated=[], cycled=None)
    with pytest.raises(ValueError, match="x to y has no measure"):
        score([empty])


class Model:
    """Stands in for a trainer: one generator, whose head alone changes."""

    def __init__(self):
        self.step = 0
        self.translators = {"x_to_y": "generator_g"}
        self.network = ResNetGenerator(ngf=2, n_blocks=0)

    def generator(self, direction):
        return self.network

    def become(self, gray):
        """Makes every translation of one gray, in [-1, 1]."""
        head = self.network.get_layer("head_conv")
        kernel, bias = head.get_weights()
        head.set_weights([np.zeros_like(kernel), np.full_like(bias, np.arctanh(gray))])


@pytest.fixture
def watched(tmp_path):
    run, model = Run(tmp_path), Model()
    run.create()
    board = TensorBoard(run.tensorboard)
    keep = KeepBest(run, board, every=10, pictures={"x_to_y": PICTURES}, network=None)
    keep.set_model(model)
    keep.on_train_begin()
    yield run, model, keep
    keep.on_train_end()


def advance(model, keep, step):
    model.step = step
    keep.on_train_batch_end(0, {})


def best(run):
    return json.loads((run.directory / "best" / "best.json").read_text())


def test_the_best_stays(watched):
    run, model, keep = watched
    for step, gray in ((10, 0.5), (20, 0.0), (30, 0.9)):  # 0.0 is nearest to any counterpart
        model.become(gray)
        advance(model, keep, step - 1)
        advance(model, keep, step)
    rows = [json.loads(x) for x in (run.directory / "metrics.jsonl").read_text().splitlines()]
    scores = {row["step"]: row["eval/score"] for row in rows}
    assert list(scores) == [10, 20, 30]
    assert best(run)["step"] == 20
    assert best(run)["score"] == min(scores.values())
    assert "L1 to the truth" in best(run)["rule"]
    assert "eval/x_to_y/SSIM to the truth" in rows[0]
    assert (run.directory / "best" / "generator_g.keras").is_file()


def test_what_a_killed_training_would_reach_again_does_not_count(watched):
    run, model, keep = watched
    model.become(0.0)
    advance(model, keep, 20)
    model.become(0.9)
    keep.step = 0  # killed, continued from before
    advance(model, keep, 10)
    assert best(run)["step"] == 10


@pytest.mark.parametrize(
    ("name", "ceiling", "stays"),
    [
        ("KID", -0.1, False),
        ("KID", None, False),
        ("KID", 0.5, True),
        ("L1 to the truth", 0.0, False),
        ("L1 to the truth", None, True),
    ],
)
def test_a_best_by_an_earlier_rule_stays_only_where_its_score_means_the_same(
    name, ceiling, stays, watched, caplog
):
    caplog.set_level("INFO", logger="absl")
    run, model, keep = watched
    measures = [{"name": name, "ceiling": ceiling}]
    earlier = {"step": 5, "score": -40.0, "rule": "an earlier one"}
    earlier["directions"] = {"x_to_y": {"measures": measures}}
    (run.directory / "best").mkdir()
    (run.directory / "best" / "best.json").write_text(json.dumps(earlier))
    for step in (10, 20):
        advance(model, keep, step)
    assert (best(run)["step"] == 5) is stays
    assert caplog.text.count("of step 5, were chosen by an earlier rule") == (0 if stays else 1)


def test_nothing_asked_nothing_done():
    assert callbacks_for(SelectionOptions(), None, None, None, None, seed=0) == []


def test_no_test_pictures_is_a_sentence():
    class Untested:
        name, has_test = "mine", False

    with pytest.raises(EvaluationError, match="mine has none: add testA and testB"):
        callbacks_for(SelectionOptions(eval_every=5), None, Untested, None, None, seed=0)


def test_the_demo_set_needs_no_features(tmp_path):
    data = Data(DataOptions(dataset="demo/ponies", preprocess="crop"), seed=0)
    options = SelectionOptions(eval_every=5, eval_pictures=4)
    (keep,) = callbacks_for(options, Model(), data, Run(tmp_path), None, seed=0)
    assert keep.network is None
    assert list(keep.pictures) == ["x_to_y"]
    assert len(keep.pictures["x_to_y"].inputs) == 4
