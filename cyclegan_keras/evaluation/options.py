"""The evaluation's options."""

import dataclasses

from cyclegan_keras.files.option import option
from cyclegan_keras.tracking.options import tracker_names
from cyclegan_keras.translation.options import PRECISIONS


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """What to evaluate, on which pictures, and where to write the result.

    Raises:
        ValueError: a tracker of that name is unknown.
    """

    model: str | None = option(
        None,
        "What to evaluate: a run directory, <run>@<step> for an earlier step that it "
        "keeps, a .keras file, weights of another program, a .tflite file, a folder that "
        "export.py wrote or hf://user/name@revision; or copy, which returns every picture "
        "unchanged.",
        required=True,
        several=True,
    )
    direction: str = option(
        "both", "Which direction to evaluate.", choices=("both", "AtoB", "BtoA")
    )
    precision: str | None = option(
        None,
        "Arithmetic of the generators, as of translate.py; by default float32. The result says "
        "which, and is written to a folder of its own.",
        choices=PRECISIONS,
    )
    dataset: str | None = option(
        None,
        "Pictures to evaluate on: cycle_gan/<name>, demo/<name> or a folder with trainA, trainB, "
        "testA and testB. By default, the data set of the run.",
    )
    data_dir: str | None = option(None, "Where TFDS keeps its data sets.")
    input: str | None = option(
        None,
        "Pictures to translate, instead of a data set: a folder with its subfolders, or a quoted "
        "pattern ('photos/**/*.jpg'); needs --real.",
    )
    real: str | None = option(
        None,
        "Real pictures of the domain that --input is translated to, as a folder or a pattern. "
        "Translations are compared with all of them. One half of them is compared with the other, "
        "which shows what real pictures get.",
    )
    part: str = option(
        "auto",
        "Which test pictures to use. selection: every second one, on which train.py --eval_every "
        "and compress.py --gan choose the best generators; held_out: the others; auto: held_out "
        "for runs that used these, else all.",
        choices=("auto", "all", "selection", "held_out"),
    )
    max_pictures: int | None = option(
        None, "Evaluate at most so many pictures of each domain, spread evenly over the set.", low=3
    )
    metrics: str | None = option(
        None,
        "Metrics, separated by commas, among kid, frechet, hit_rate, perceptual, cycle, paired, "
        "steganography, segmentation. By default, all that the pictures and the model allow, but "
        "for segmentation.",
        several=True,
    )
    segmentation_classes: str | None = option(
        None,
        "Classes of label maps, for --metrics=segmentation: cityscapes, cityscapes_train_ids, "
        "cityscapes_label_ids; palette, the colors of the label maps themselves; or a .txt, .csv "
        "or .json file of names and colors.",
    )
    segmentation_model: str | None = option(
        None,
        "A .keras file of a network that segments photos into these classes, or "
        "hf://user/name/file.keras. Only translations of label maps to photos need it.",
    )
    segmentation_input: str | None = option(
        None,
        "Numbers that this network expects: 0..255, also where it scales pictures itself; 0..1; "
        "-1..1; torch, by the mean and deviation of ImageNet; caffe, blue first, less the mean of "
        "ImageNet.",
        choices=("0..255", "0..1", "-1..1", "torch", "caffe"),
    )
    segmentation_size: str | None = option(
        None,
        "WIDTHxHEIGHT that pictures are resized to for this network, such as 1024x512. By default "
        "the size of its input or, where that is not fixed, the size of the pictures.",
    )
    pairs_by_name: bool = option(
        False,
        "Take test pictures of one name in A and B as counterparts, also where the model was not "
        "trained on pairs.",
    )
    features: str = option(
        "efficientnet_lite0",
        "Network whose features are compared. efficientnet_lite0 comes with the extra [eval]; "
        "inception is the one behind published FIDs.",
        choices=("efficientnet_lite0", "inception"),
    )
    features_weights: str | None = option(
        None, "File of the weights of that network, if it is not in its default location."
    )
    seed: int = option(0, "Seed of the subsets and of the noise.", low=0, high=2**32 - 2)
    output: str | None = option(
        None,
        "Folder for evaluation.json and evaluation.md. By default <run>/evaluations/step_<step> "
        "for a run, else evaluations/<name of the model>; with another --precision than float32, "
        "its name is added.",
    )
    report: str | None = option(
        None, "Also write an HTML page with pictures, metrics and losses, for example report.html."
    )
    report_pictures: int = option(24, "Pictures of each direction in the report.", low=1, high=400)
    tracker: str | None = option(
        None,
        "Which of wandb and mlflow show the measures too, separated by commas, or none; the run "
        "must have a tracked run there. By default, all that its training has logged to.",
        several=True,
    )
    dry_run: bool = option(False, "Print what would be evaluated, and stop.")

    def __post_init__(self):
        if self.tracker is not None:
            tracker_names(self.tracker)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """When a training is evaluated, to keep its best generators."""

    eval_every: int | None = option(
        None,
        "Steps between evaluations on every second test picture; the best generators so far are "
        "kept in best/. By default, never.",
        low=1,
        may_change=True,
    )
    eval_pictures: int = option(
        100, "Test pictures of each domain in such an evaluation, at most.", low=3, may_change=True
    )
