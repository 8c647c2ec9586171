"""The receipt of an export: what was made from what, and how near it is to Keras."""

import datetime
import json
import pathlib
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from cyclegan_keras.export.job import ExportedFile
from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.markdown import table
from cyclegan_keras.images.pixels import to_uint8
from cyclegan_keras.runs.versions import versions

# Key of a file's facts -> heading of its column in receipt.md.
_COLUMNS = {
    "mb": "MB",
    "max_abs_error": "largest error",
    "mean_abs_error": "mean error",
    "psnr_db": "PSNR (dB)",
    "ssim": "SSIM",
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
        f"Versions: {', '.join(packages)}.",
    ]
    (folder / "receipt.md").write_text("\n".join(lines) + "\n")


def write_grid(
    pictures: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    exported: Sequence[ExportedFile],
    path: pathlib.Path,
    side: int = 192,
) -> None:
    """Writes a picture: a row for each sample, with columns of the input, Keras and every file.

    Args:
        pictures: uint8 (height, width, 3).
        expected: float32 (height, width, 3) in [-1, 1], Keras' translations of them.
        exported: the files of one direction.
        path: the PNG file.
        side: of a sample in pixels.
    """
    columns = [("input", pictures), ("Keras", [to_uint8(each) for each in expected])]
    for each in exported:
        columns.append((each.kind, [to_uint8(sample) for sample in each.samples]))
    title_height = 16
    size = (side * len(columns), title_height + side * len(pictures))
    grid = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(grid)
    for column, (title, samples) in enumerate(columns):
        draw.text((column * side + 4, 2), title, fill="black")
        for row, sample in enumerate(samples):
            image = Image.fromarray(sample).resize((side, side))
            grid.paste(image, (column * side, title_height + row * side))
    grid.save(path)
