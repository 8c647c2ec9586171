"""The evaluation's options."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """What to evaluate, on which pictures, and where to write the result."""

    model: str | None = option(
        None,
        "What to evaluate: a run's directory, a .keras file, another program's weights, a .tflite "
        "file, a folder that export.py wrote; or copy, which gives every picture back unchanged.",
    )
    direction: str = option(
        "both", "Which way to evaluate.", choices=("both", "AtoB", "BtoA"), may_change=True
    )
    dataset: str | None = option(
        None,
        "Pictures to evaluate on: cycle_gan/<name>, demo/<name> or a folder with trainA, trainB, "
        "testA and testB; what the run was trained on unless given.",
    )
    data_dir: str | None = option(None, "Where TFDS keeps its data sets.")
    input: str | None = option(
        None, "Instead of a data set, a folder of pictures to translate; needs --real."
    )
    real: str | None = option(
        None,
        "A folder of real pictures of the domain that --input is translated to. Half of them are "
        "compared with the other half, which tells what real pictures get.",
    )
    part: str = option(
        "auto",
        "Which test pictures count. selection: every second one, by which train.py --eval_every "
        "chooses its best; held_out: the others; auto: held_out for runs that chose so, else all.",
        choices=("auto", "all", "selection", "held_out"),
    )
    max_pictures: int | None = option(
        None, "Evaluate only so many pictures of each domain, spread evenly.", low=3
    )
    metrics: str | None = option(
        None,
        "Some of kid, frechet, hit_rate, perceptual, cycle, paired, steganography, with commas; "
        "all that the pictures and the model allow unless given.",
    )
    features: str = option(
        "efficientnet_lite0",
        "Network whose features are compared. efficientnet_lite0 comes with the extra eval; "
        "inception is the network of the FID in papers.",
        choices=("efficientnet_lite0", "inception"),
    )
    features_weights: str | None = option(
        None, "File with that network's weights, where it is not in its usual place."
    )
    seed: int = option(0, "Seed of subsets and noise.", low=0, high=2**32 - 2)
    output: str | None = option(
        None,
        "Folder for evaluation.json and evaluation.md; <run>/evaluations/step_<step> for a run, "
        "evaluations/<name of the model> otherwise.",
    )
    report: str | None = option(
        None, "Also write a page to look at, such as report.html: pictures, measures, losses."
    )
    report_pictures: int = option(24, "Pictures of each direction in the report.", low=1, high=400)
    dry_run: bool = option(False, "Print what would be evaluated and stop.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """When a training is evaluated, to keep its best generators."""

    eval_every: int | None = option(
        None,
        "Steps between evaluations, on every second test picture, which keep the best generators "
        "in best/ beside the last ones; never unless given.",
        low=1,
        may_change=True,
    )
    eval_pictures: int = option(
        100, "Test pictures of each domain in such an evaluation, at most.", low=3, may_change=True
    )
