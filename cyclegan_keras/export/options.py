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
        "--run_dir takes, or hf://user/name@revision. After a comma, a second one for the opposite "
        "direction.",
        several=True,
    )
    format: str = option(
        "saved_model,tflite",
        "Formats to write, separated by commas: saved_model, tflite, onnx; web, a page that "
        "translates pictures in the browser of whoever opens it; or none, where --push_to_hub "
        "uploads the generators alone.",
        several=True,
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
        several=True,
    )
    tflite_batch: int = option(
        1, "Pictures that a TFLite file translates at once.", low=1, high=256
    )
    tflite_variants: str = option(
        "fp32,fp16,dynamic,uint8,int8",
        "TFLite variants to write, separated by commas.",
        several=True,
    )
    max_image_pixels: int = option(
        4 * 2**20, "Pixels of the largest picture that the server accepts.", low=1, high=2**31 - 1
    )
    # This spelling is that of the flag and of files of earlier exports, and so it stays.
    licence: str | None = option(
        None, "License of the weights, written into the description.", aliases=("license",)
    )
    description: str | None = option(None, "A sentence about the model for its users.")
    web_title: str | None = option(
        None, "Title of the web page; the domains by default, such as horse \u2192 zebra."
    )
    web_examples: str | None = option(
        None,
        "Pictures that visitors of the web page can try, files or folders, separated by commas. "
        "They are published with the page; none by default.",
        several=True,
    )
    web_variants: str = option(
        "uint8,fp16",
        "TFLite variants that the web page holds, separated by commas. A visitor fetches one of "
        "them: uint8 is half as large, fp16 is nearest to Keras and runs on graphics cards.",
        several=True,
    )
    web_drawing: str = option(
        "auto",
        "What visitors of the web page can draw on: lines, a sheet for line drawings; labels, a "
        "sheet with the colors of label maps; auto, one of them for a pix2pix model whose training "
        "pictures are such; off.",
        choices=("auto", "off", "lines", "labels"),
    )
    web_single_file: bool = option(
        False,
        "Write the web page as one HTML file besides, web.html, which opens by a double click.",
    )
    web_runtime: str | None = option(
        None,
        "LiteRT.js, which runs the model in the browser, where npm cannot fetch it: a folder that "
        "holds the packages @litertjs/core and @litertjs/wasm-utils, as folders or as .tgz of npm "
        "pack, or the .tgz of the first with the other beside it.",
    )
    web_cdn: str | None = option(
        None,
        "Address of a copy of npm, such as https://cdn.jsdelivr.net/npm, from which visitors load "
        "the largest files of LiteRT.js, 9 MB, instead of from the page's own host. The page "
        "checks them by their digests.",
    )
    push_to_hub: str | None = option(
        None,
        "Repository on the Hugging Face Hub, as user/name, to upload to in one commit: the "
        "generators as .keras files, TFLite and ONNX files that are written, the receipt and a "
        "model card with the measures of evaluate.py. It is made if it does not exist. Log in by "
        "`hf auth login`, or set HF_TOKEN.",
    )
    hub_private: bool = option(
        False, "Make the repository private. A public one of that name is refused."
    )
    hub_branch: str | None = option(
        None, "Branch of the repository to upload to, made if need be; main by default."
    )
    hub_message: str | None = option(
        None, "Message of the commit; by default, what was exported, and its step."
    )
    hub_examples: str | None = option(
        None,
        "Folder of pictures, perhaps with testA and testB, of which the model card shows some with "
        "their translations. They are published with it. By default none, except of sets that "
        "this program draws, such as demo/ponies.",
    )
    allow_quality_loss: bool = option(
        False,
        "Keep files whose translations are worse than their threshold, instead of rejecting them.",
    )
    dry_run: bool = option(False, "Print what would be done, and stop.")
