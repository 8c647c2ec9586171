"""The export's options."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export, as what, and where to."""

    run_dir: str | None = option(
        None, "A run of train.py; its last complete checkpoint is exported, also while it trains."
    )
    model: str | None = option(
        None,
        "Instead of a run, a generator: a .keras file, or another program's (.pth and so on). With "
        "a comma, the second one translates back.",
    )
    format: str = option(
        "saved_model,tflite", "What to write: saved_model, tflite and onnx, with commas."
    )
    output: str | None = option(
        None, "Folder to write to; saved_models/<name of the run or model> unless given."
    )
    pictures: str | None = option(
        None,
        "Folder of pictures on which every file is compared with Keras; the run's test pictures "
        "unless given.",
    )
    calibration_dir: str | None = option(
        None,
        "Folder of pictures that integer variants are calibrated on; the run's training pictures "
        "unless given.",
    )
    tflite_size: str | None = option(
        None,
        "Sides of the TFLite graphs' square pictures in pixels, several with commas; unless given, "
        "what a run was trained at, and 256 for a model.",
    )
    tflite_variants: str = option(
        "fp32,fp16,dynamic,uint8,int8", "TFLite variants to write, with commas."
    )
    max_image_pixels: int = option(
        4 * 2**20, "The server refuses larger pictures.", low=1, high=2**31 - 1
    )
    licence: str | None = option(None, "Licence of the weights, written into the description.")
    description: str | None = option(None, "A sentence about the model, for those who use it.")
    allow_quality_loss: bool = option(
        False, "Keep files that translate worse than their threshold instead of rejecting them."
    )
    dry_run: bool = option(False, "Print what would be done and stop.")
