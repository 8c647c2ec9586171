"""The export's options."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export, as what, and where to."""

    run_dir: str | None = option(
        None,
        "A run of train.py; its last complete checkpoint is exported, also while it trains, or "
        "with <run>@<step> an earlier step that it keeps.",
    )
    model: str | None = option(
        None,
        "What to export instead of a run, as translate.py --model takes it: a .keras file, or one "
        "of another program (such as .pth or <file>@<network>), a folder of them, or what "
        "--run_dir takes. After a comma, a second one for the opposite direction.",
    )
    format: str = option(
        "saved_model,tflite", "Formats to write, separated by commas: saved_model, tflite, onnx."
    )
    output: str | None = option(
        None,
        "Folder to write to; saved_models/<name of the run or model> by default; "
        "-step_<step> is added for a step of a run.",
    )
    pictures: str | None = option(
        None,
        "Folder of pictures on which every file is compared with Keras; by default, the test "
        "pictures of the run.",
    )
    calibration_dir: str | None = option(
        None,
        "Folder of pictures to calibrate the integer variants on; by default, the training "
        "pictures of the run.",
    )
    tflite_size: str | None = option(
        None,
        "Sizes in pixels of the pictures that TFLite files take, separated by commas: one side for "
        "a square, such as 256, or height x width, such as 480x640. By default, the size that a "
        "run was trained at, or 256 for a model.",
    )
    tflite_batch: int = option(
        1, "Pictures that a TFLite file translates at once.", low=1, high=256
    )
    tflite_variants: str = option(
        "fp32,fp16,dynamic,uint8,int8", "TFLite variants to write, separated by commas."
    )
    max_image_pixels: int = option(
        4 * 2**20, "Pixels of the largest picture that the server accepts.", low=1, high=2**31 - 1
    )
    licence: str | None = option(None, "License of the weights, written into the description.")
    description: str | None = option(None, "A sentence about the model for its users.")
    allow_quality_loss: bool = option(
        False,
        "Keep files whose translations are worse than their threshold, instead of rejecting them.",
    )
    dry_run: bool = option(False, "Print what would be done, and stop.")
