"""How near exported files are to Keras, and the receipt that says so."""

import datetime
import json
import math
import pathlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from cyclegan_keras.export.job import ExportedFile
from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.markdown import table
from cyclegan_keras.files.names import printable
from cyclegan_keras.images.form import to_rgb
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.resizing import resize
from cyclegan_keras.models import any_size
from cyclegan_keras.runs.run import versions

# Key of a file's facts -> heading of its column in receipt.md.
_COLUMNS = {
    "mb": "MB",
    "max_abs_error": "largest error",
    "mean_abs_error": "mean error",
    "psnr_db": "PSNR (dB)",
    "ssim": "SSIM",
    "files_max_abs_error": "largest error over files",
    "latency_ms": "ms",
    "latency_ratio": "time, Keras = 1",
    "partitions": "partitions",
    "peak_memory_mb": "peak MB",
}


def receipt(
    source: Mapping[str, Any],
    generators: Mapping[str, Any],
    exported: Sequence[ExportedFile],
    folder: pathlib.Path,
) -> dict[str, Any]:
    """Returns the content of receipt.json.

    Args:
        source: what was exported: run or model, step, options, digests of the weights.
        generators: facts about the network of each direction, by the name of its signature.
        exported: the files.
        folder: the receipt names paths relative to it.
    """
    return {
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "source": source,
        "generators": generators,
        "versions": versions(),
        "machine": f"{platform.system()} {platform.machine()}",
        "files": [
            {
                "path": each.path.relative_to(folder).as_posix(),
                "kind": each.kind,
                "direction": each.direction.signature,
                "bytes": size_of(each.path),
                "sha256": sha256(each.path),
                "least_psnr_db": each.least_psnr_db,
                "good": each.is_good,
                **each.facts,
            }
            for each in exported
        ],
    }


def size_of(path: pathlib.Path) -> int:
    """Returns the bytes of a file, or of all files of a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def write_receipt(content: Mapping[str, Any], folder: pathlib.Path) -> None:
    """Writes receipt.json and receipt.md.

    Args:
        content: of `receipt`.
        folder: where to write them.
    """
    (folder / "receipt.json").write_text(json.dumps(content, indent=2) + "\n")

    files = [{**facts, "mb": facts["bytes"] / 1e6} for facts in content["files"]]
    columns = [name for name in _COLUMNS if any(name in facts for facts in files)]
    headings = [_COLUMNS[name] for name in columns]
    rows = []
    for facts in files:
        numbers = [f"{facts[name]:.3g}" if name in facts else "" for name in columns]
        good = "yes" if facts["good"] else f"**no**, under {facts['least_psnr_db']:g} dB"
        rows.append([f"`{facts['path']}`", facts["kind"], facts["direction"], *numbers, good])
    source = content["source"]
    origin = [f"{key} {value}" for key, value in source.items() if isinstance(value, str | int)]
    packages = [f"{name} {version}" for name, version in content["versions"].items()]
    lines = [
        f"# {source.get('name', 'export')}",
        "",
        f"Made {content['created']} from {', '.join(origin)}.",
        "",
        "Compared with Keras on real pictures; the worst of them counts. Errors are on the scale "
        "of [-1, 1].",
        "",
        table(["file", "what", "direction", *headings, "good"], rows),
        "",
        *_about_files(content["files"]),
        f"Versions: {', '.join(packages)}.",
    ]
    text = printable("\n".join(lines) + "\n")
    (folder / "receipt.md").write_text(text, encoding="utf-8")


def _about_files(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns lines of receipt.md about the picture files that a server was sent."""
    rows = []
    sentences = []
    for facts in files:
        name = f"`{facts['path']}` {facts['direction']}"
        for kind, measures in facts.get("files", {}).items():
            numbers = [f"{measures[key]:.3g}" for key in ("max_abs_error", "psnr_db")]
            rows.append([name, kind.replace("_", " "), str(measures["count"]), *numbers])
        for reason, count in facts.get("files_refused", {}).items():
            whose = "it" if count == 1 else "each"
            sentences += [f"{name} refused {count} of the original files: {whose} {reason}", ""]
        if "picture_files" in facts:
            sentences += [f"{name} takes no picture files: {facts['picture_files']}", ""]
    lines = []
    if rows:
        lines = [
            "Whole picture files, compared with what Python reads of them and Keras translates:",
            "",
            table(["file", "sent", "how many", "largest error", "PSNR (dB)"], rows),
            "",
        ]
    return lines + sentences


def write_grid(
    pictures: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    exported: Sequence[ExportedFile],
    path: pathlib.Path,
    side: int = 192,
) -> None:
    """Writes a picture: a row for each sample, with columns of the input, Keras and every file.

    Args:
        pictures: (height, width, channels), uint8 or float32 in [-1, 1].
        expected: float32 (height, width, channels) in [-1, 1], Keras' translations of them.
        exported: the files of one direction; copies of others have no samples, and no column.
        path: the PNG file.
        side: of a sample in pixels.
    """
    columns = [("input", pictures), ("Keras", expected)]
    columns += [(each.kind, each.samples) for each in exported if each.samples]
    title_height = 16
    size = (side * len(columns), title_height + side * len(pictures))
    grid = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(grid)
    for column, (title, samples) in enumerate(columns):
        draw.text((column * side + 4, 2), title, fill="black")
        for row, sample in enumerate(samples):
            image = Image.fromarray(to_rgb(sample)).resize((side, side))
            grid.paste(image, (column * side, title_height + row * side))
    grid.save(path)


def compare(expected: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Returns how far `found` is from `expected`.

    Args:
        expected: float32 (batch, height, width, channels) in [-1, 1], Keras' translations.
        found: the same by the exported file.

    Returns:
        `max_abs_error` and `mean_abs_error` on the scale of [-1, 1]; `psnr_db`, 10 log10(4 / mean
        squared error), 200 where there is no difference; `ssim` (Wang et al., 2004, 11x11 Gaussian
        windows), absent below 11 pixels. What is not finite counts as the largest error, 2.
    """
    error = np.abs(np.asarray(found, "float64") - np.asarray(expected, "float64"))
    error = np.nan_to_num(error, nan=2.0, posinf=2.0)
    squared = float(np.mean(error**2))
    result = {
        "max_abs_error": float(error.max()),
        "mean_abs_error": float(error.mean()),
        "psnr_db": min(200.0, 10 * math.log10(4 / squared)) if squared else 200.0,
    }
    if min(expected.shape[1:3]) >= 11:
        similarity = tf.image.ssim(
            tf.constant(expected, tf.float32), tf.constant(np.nan_to_num(found), tf.float32), 2.0
        )
        result["ssim"] = float(tf.reduce_mean(similarity))
    return result


def worst(comparisons: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Returns the worst of every measure over the comparisons of several pictures.

    Example:
        >>> worst([{"psnr_db": 40.0, "max_abs_error": 0.1}, {"psnr_db": 30.0, "max_abs_error": 0}])
        {'psnr_db': 30.0, 'max_abs_error': 0.1}
    """
    rows = list(comparisons)
    result = {}
    for name in rows[0]:
        values = [row[name] for row in rows if name in row]
        result[name] = max(values) if name.endswith("error") else min(values)
    return result


def translate_any_size(generator: keras.Model, picture: np.ndarray) -> np.ndarray:
    """Translates a picture of any size to float32 in [-1, 1] of the same size.

    The picture is reflected up to a size that fits and the translation is cut back, as the server
    does it.

    Args:
        generator: the network.
        picture: (height, width, channels), uint8 or float32 in [-1, 1].
    """
    return any_size.translate_any_size(
        lambda images: generator(images, training=False),
        to_float(picture[None]),
        multiple=generator.size_multiple,
        smallest=generator.smallest_size,
    )[0]


def resized_input(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes (any, any, channels) of uint8 or float32 in [-1, 1].

    Returns:
        float32 (1, height, width, channels) in [-1, 1].
    """
    return to_float(resize(picture, (width, height))[None])
