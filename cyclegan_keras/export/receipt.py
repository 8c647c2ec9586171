"""The receipt of an export: what was made from what, and how near it is to Keras."""

import datetime
import json
import pathlib
import platform
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from cyclegan_keras.export.base import Exported, size_of
from cyclegan_keras.files.digest import sha256
from cyclegan_keras.runs.versions import versions

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
    source: Mapping[str, object],
    generators: Mapping[str, object],
    exported: Sequence[Exported],
    folder: pathlib.Path,
) -> dict[str, object]:
    """Returns all that a receipt tells, ready for JSON.

    Args:
        source: what was exported: run or model, step, options, digests of the weights.
        generators: direction -> facts about the network.
        exported: the files.
        folder: paths are told relative to it.
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
                "direction": each.direction,
                "bytes": size_of(each.path),
                "sha256": sha256(each.path),
                "least_psnr_db": each.least_psnr_db,
                "good": each.is_good,
                **each.facts,
            }
            for each in exported
        ],
    }


def write_receipt(told: Mapping[str, object], folder: pathlib.Path) -> None:
    """Writes receipt.json and receipt.md."""
    (folder / "receipt.json").write_text(json.dumps(told, indent=2) + "\n")
    rows = [{**row, "mb": row["bytes"] / 1e6, "file": row["path"]} for row in told["files"]]
    shown = [name for name in _COLUMNS if any(name in row for row in rows)]
    head = ["file", "what", "direction", *(_COLUMNS[name] for name in shown), "good"]
    lines = [
        f"# {told['source'].get('name', 'export')}",
        "",
        f"Made {told['created']} from {_words(told['source'])}.",
        "",
        "Compared with Keras on real pictures; the worst of them counts. Errors are on the scale "
        "of [-1, 1].",
        "",
        _row(head),
        _row(["---"] * len(head)),
    ]
    for row in rows:
        numbers = [f"{row[name]:.3g}" if name in row else "" for name in shown]
        good = "yes" if row["good"] else f"**no**, under {row['least_psnr_db']:g} dB"
        lines.append(_row([f"`{row['file']}`", row["kind"], row["direction"], *numbers, good]))
    lines += ["", "Versions: " + ", ".join(f"{k} {v}" for k, v in told["versions"].items()) + "."]
    (folder / "receipt.md").write_text("\n".join(lines) + "\n")


def write_grid(
    pictures: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    exported: Sequence[Exported],
    path: pathlib.Path,
    side: int = 192,
) -> None:
    """Writes a picture: a row a sample, columns input, Keras, and every exported file.

    Args:
        pictures: uint8 (height, width, 3).
        expected: float32 in [-1, 1], Keras' translations of them.
        exported: the files of one direction.
        path: the PNG file.
        side: of a sample in pixels.
    """
    titles = ["input", "Keras", *(each.kind for each in exported)]
    grid = Image.new("RGB", (side * len(titles), 16 + side * len(pictures)), "white")
    draw = ImageDraw.Draw(grid)
    for column, title in enumerate(titles):
        draw.text((column * side + 4, 2), title, fill="black")
    for row, picture in enumerate(pictures):
        samples = [picture, expected[row], *(each.samples[row] for each in exported)]
        for column, sample in enumerate(samples):
            if sample.dtype != "uint8":
                sample = np.clip(np.round((sample + 1) * 127.5), 0, 255).astype("uint8")
            image = Image.fromarray(sample).resize((side, side))
            grid.paste(image, (column * side, 16 + row * side))
    grid.save(path)


def _words(source: Mapping[str, object]) -> str:
    return ", ".join(
        f"{key} {value}" for key, value in source.items() if isinstance(value, str | int)
    )


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
