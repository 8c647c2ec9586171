"""Turns a result of gpu.sh into the tables of docs/performance.md.

python benchmarks/gpu/table.py benchmarks/gpu-results/results.json
"""

import json
import pathlib
import sys

MISSING = "-"
PROGRAMS = {
    "here": "this project, JAX",
    "torch": "PyTorch, eager",
    "torch, channels last": "PyTorch, eager, channels last",
    "torch.compile": "PyTorch, torch.compile",
}


def number(value: float | None, digits: int = 3) -> str:
    """Returns a number with so many digits that count."""
    if value is None:
        return MISSING
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def share(value: float | None) -> str:
    """Returns a share as a percentage."""
    return MISSING if value is None else f"{value:.0%}"


def steps_table(steps: dict) -> list[str]:
    """Returns the lines of the table of training steps."""
    lines = [
        "| numbers, batch | program | ms/step | images/s | MFU | of the published rate | peak GB "
        "| compiled in s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    cases = sorted(steps["cases"], key=lambda row: (row["number_type"], row["batch_size"]))
    for row in cases:
        program = PROGRAMS[row["contestant"]]
        start = f"| {row['number_type']}, {row['batch_size']} | {program} "
        if "seconds" not in row:
            lines.append(f"{start}| {MISSING} | {MISSING} | {MISSING} | {MISSING} | {MISSING} | |")
            continue
        peak_gb = None if row["peak_mb"] is None else row["peak_mb"] / 1000
        cells = [
            number(1000 * row["seconds"]),
            number(row["images_per_second"]),
            share(row.get("mfu")),
            share(row.get("mfu_of_published")),
            number(peak_gb),
            number(row["compile_seconds"], 2),
        ]
        lines.append(f"{start}| {' | '.join(cells)} |")
    return lines


def training_lines(training: dict) -> list[str]:
    """Returns what there is to say of the training."""
    if "steps" not in training:
        return []
    lines = [
        f"In {training['seconds']:.0f} s, `{training['command']}` took {training['steps']:,} steps "
        f"on {training['pictures']}, {number(training['images_per_second'])} images/s."
    ]
    directions = {
        name: kid for name, kid in training.get("kid", {}).items() if isinstance(kid, dict)
    }
    if directions:
        lines += [
            "",
            "| KID x 1000 | random weights | unchanged inputs | trained | other real pictures |",
            "|---|---|---|---|---|",
        ]
    for name, kid in directions.items():
        cells = [number(kid[key]) for key in ("untrained", "copied")]
        cells += [f"{number(kid['trained'])} ± {number(kid['stderr'], 2)}", number(kid["real"])]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def markdown(result: dict) -> str:
    """Returns the tables of a result, and the sentences that say how they came about."""
    lines = []
    steps = result.get("steps")
    if steps:
        versions = ", ".join(dict.fromkeys(steps["versions"].values()))
        lines += [
            f"{steps['device']}, {result['machine']}, driver {result['driver']}; Python "
            f"{result['python']}, {versions}. {steps['generator']}, ngf {steps['ngf']}, "
            f"{steps['crop_size']} px.",
            "",
        ]
        lines += steps_table(steps)
        lines.append("")
        for number_type, rates in steps["matrix_tflops"].items():
            if not rates:
                continue
            measured = ", ".join(
                f"{number(rate)} TFLOP/s ({PROGRAMS[name]})" for name, rate in rates.items()
            )
            published = steps["published_tflops"][number_type]
            end = f"; {number(published)} are published." if published else "."
            lines += [f"A matrix product in {number_type} reaches {measured}{end}", ""]
    training = training_lines(result.get("training") or {})
    if training:
        lines += [*training, ""]
    if result["left_out"]:
        lines.append("Left out: " + "; ".join(result["left_out"]) + ".")
    return "\n".join(lines).rstrip() + "\n"


def plain(result: dict) -> str:
    """Returns the same for a terminal: columns instead of bars, and what failed last."""
    rows = []
    text = []
    for line in markdown(result).splitlines():
        if line.startswith("|---"):
            continue
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        text += aligned(rows)
        rows = []
        text.append(line)
    text += aligned(rows)
    failed = [
        f"{PROGRAMS[row['contestant']]}, {row['number_type']}, batch {row['batch_size']}: "
        f"{row['error']}"
        for row in (result.get("steps") or {}).get("cases", [])
        if row.get("error")
    ]
    if failed:
        text += ["", "Failed:", *failed]
    return "\n".join(text)


def aligned(rows: list[list[str]]) -> list[str]:
    """Returns rows of cells as lines whose columns stand below one another."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        first = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        rest = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join([*first, *rest]).rstrip())
    return lines


if __name__ == "__main__":
    print(markdown(json.loads(pathlib.Path(sys.argv[1]).read_text())), end="")
