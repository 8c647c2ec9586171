"""A receipt in words: its headline and tables, for Markdown and for the page."""

from collections.abc import Callable, Sequence

from cyclegan_keras.compression.estimates import Estimate
from cyclegan_keras.compression.likeness import PROTOCOL
from cyclegan_keras.compression.measuring import STUDENT, TEACHER, Costs, FileCost
from cyclegan_keras.compression.quality import COPY, MIRRORED, Quality
from cyclegan_keras.compression.receipt import CompressedDirection, Inheritance, Receipt, TriedShape
from cyclegan_keras.export.tflite import CALIBRATED, VARIANTS
from cyclegan_keras.files.markdown import table as markdown_table
from cyclegan_keras.report.section import Table

UNKNOWN = "-"
# Whose translations are compared with the teacher's, in words.
COMPARED = {
    STUDENT: "student",
    COPY: "copy: the input unchanged",
    MIRRORED: "teacher, mirrored in and back",
}
TARGETS = {"kb": "kB", "ms": "ms", "macs": "MACs"}


def markdown(receipt: Receipt) -> str:
    """Returns receipt.md."""
    lines = [f"# {title(receipt)}", ""]
    for sentence in headline(receipt):
        lines += [sentence, ""]
    for table in tables(receipt):
        lines += [f"## {table.heading}", "", markdown_table(table.header, table.rows), ""]
    lines += ["## What is behind it", ""]
    lines += [f"- {name}: {fact}" for name, fact in facts(receipt).items()]
    lines += ["", "## Protocols and notes", ""]
    lines += [f"- {note}" for note in notes(receipt)]
    return "\n".join(lines) + "\n"


def title(receipt: Receipt) -> str:
    """Returns the heading, such as "Compressed from vintagify: 64x9 to 16x6"."""
    return f"Compressed from {receipt.teacher.name}: {receipt.teacher.shape} to {receipt.shape}"


def headline(receipt: Receipt) -> list[str]:
    """Returns what matters most, a paragraph for each direction."""
    return [_headline(receipt, each) for each in receipt.directions]


def _headline(receipt: Receipt, direction: CompressedDirection) -> str:
    costs, quality = direction.costs, direction.quality
    teacher, student = costs.network(TEACHER), costs.network(STUDENT)
    sentences = [
        f"{direction.words}: {gmacs(student.macs)} GMAC a picture of {costs.height} x "
        f"{costs.width} px where the teacher has {gmacs(teacher.macs)}, "
        f"{teacher.macs / student.macs:.1f} times less"
    ]
    teacher_file = costs.file(TEACHER, receipt.variant)
    student_file = costs.file(STUDENT, receipt.variant)
    if teacher_file and student_file:
        sentences.append(
            f"As a TFLite file ({receipt.variant}) it takes {student_file.kb:,.0f} kB and "
            f"{number(student_file.ms)} ms instead of {teacher_file.kb:,.0f} kB and "
            f"{number(teacher_file.ms)} ms, {teacher_file.ms / student_file.ms:.1f} times as fast"
        )
    if quality is not None:
        like, own = quality.of(STUDENT), quality.of(MIRRORED)
        similarity = "" if like.ssim is None else f", SSIM {like.ssim.value:.3f}"
        sentences.append(
            f"On {quality.count} held-out pictures its translations are {db(like.psnr_db)} dB "
            f"from the teacher's{similarity}"
            + (
                ""
                if own is None
                else f"; the teacher, mirrored in and back, is {own.psnr_db.value:.1f} dB from "
                "itself"
            )
        )
        for comparison in quality.comparisons:
            sentences.append(
                f"{comparison.name}: {number(comparison.student.value)}, the teacher's "
                f"{number(comparison.teacher.value)} ({comparison.better} is better)"
            )
    return ". ".join(sentences) + "."


def tables(receipt: Receipt) -> list[Table]:
    """Returns all tables, those of each direction first."""
    found = []
    for direction in receipt.directions:
        suffix = f": {direction.words}" if len(receipt.directions) > 1 else ""
        found.append(_cost_table(direction.costs, f"Cost{suffix}"))
        if direction.costs.files:
            found.append(_file_table(direction.costs, f"TFLite files{suffix}"))
        if direction.quality is not None:
            found.append(_likeness_table(direction.quality, f"Likeness to the teacher{suffix}"))
        if direction.quality is not None and direction.quality.comparisons:
            found.append(_comparison_table(direction.quality, f"Beside the teacher{suffix}"))
    if receipt.shapes:
        found.append(_shape_table(receipt.shapes, receipt.shape))
    return found


def _cost_table(costs: Costs, heading: str) -> Table:
    teacher, student = costs.network(TEACHER), costs.network(STUDENT)
    rows = []
    for name, value, words in (
        ("GMAC", lambda cost: cost.macs, gmacs),
        ("parameters", lambda cost: cost.parameters, "{:,}".format),
    ):
        ratio = value(teacher) / value(student)
        rows.append((name, words(value(teacher)), words(value(student)), f"{ratio:.1f} times less"))
    return Table(
        heading=heading, header=("measure", "teacher", "student", "ratio"), rows=tuple(rows)
    )


def _file_table(costs: Costs, heading: str) -> Table:
    header = (
        "variant",
        "teacher kB",
        "student kB",
        "teacher ms",
        "student ms",
        "times as fast",
        "teacher peak MB",
        "student peak MB",
        "student to its float self",
    )
    rows = []
    for variant in VARIANTS:
        teacher, student = costs.file(TEACHER, variant), costs.file(STUDENT, variant)
        if student is None and teacher is None:
            continue
        is_known = teacher is not None and student is not None
        near = UNKNOWN
        if student is not None:
            near = f"{student.psnr_db:.1f} dB"
            if not student.is_good:
                near += f", under {student.least_psnr_db:g}"
        rows.append(
            (
                variant,
                _of(teacher, "kb", "{:,.0f}".format),
                _of(student, "kb", "{:,.0f}".format),
                _of(teacher, "ms", number),
                _of(student, "ms", number),
                f"{teacher.ms / student.ms:.1f}" if is_known else UNKNOWN,
                _of(teacher, "peak_memory_mb", "{:.0f}".format),
                _of(student, "peak_memory_mb", "{:.0f}".format),
                near,
            )
        )
    return _without_empty_columns(heading, header, rows)


def _likeness_table(quality: Quality, heading: str) -> Table:
    header = (
        "to the teacher's translations",
        "PSNR (dB)",
        "SSIM",
        "PSNR without offset",
        "SSIM without offset",
        "color offset",
    )
    rows = [
        (
            COMPARED[each.of],
            db(each.psnr_db),
            _interval(each.ssim, "{:.3f}"),
            db(each.psnr_without_offset_db),
            _interval(each.ssim_without_offset, "{:.3f}"),
            _interval(each.offset, "{:.3g}"),
        )
        for each in quality.likeness
    ]
    return _without_empty_columns(heading, header, rows)


def _comparison_table(quality: Quality, heading: str) -> Table:
    header = ("measure", "teacher", "student", "real pictures", "copying")
    rows = [
        (
            f"{each.name} ({each.better} is better)",
            _interval(each.teacher, "{:.3g}"),
            _interval(each.student, "{:.3g}"),
            number(each.real_score),
            number(each.copy_score),
        )
        for each in quality.comparisons
    ]
    return _without_empty_columns(heading, header, rows)


def _shape_table(shapes: Sequence[TriedShape], chosen: str) -> Table:
    rows = [
        (
            f"{each.shape}, chosen" if each.shape == chosen else each.shape,
            gmacs(each.macs),
            f"{each.parameters:,}",
            UNKNOWN if each.kb is None else f"{each.kb:,.0f}",
            number(each.ms),
            "yes" if each.fits else "no",
        )
        for each in shapes
    ]
    header = ("ngf x blocks", "GMAC", "parameters", "kB", "ms", "fits")
    return _without_empty_columns("Shapes tried", header, rows)


def _without_empty_columns(
    heading: str, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> Table:
    """Returns a table without the columns in which nothing is known."""
    kept = [column for column in range(len(header)) if any(row[column] != UNKNOWN for row in rows)]
    return Table(
        heading=heading,
        header=tuple(header[column] for column in kept),
        rows=tuple(tuple(row[column] for column in kept) for row in rows),
    )


def facts(receipt: Receipt) -> dict[str, str]:
    """Returns what a reader may ask next: names, targets, what was kept, options, time."""
    targets = [f"at most {value:,g} {TARGETS[name]}" for name, value in receipt.targets.items()]
    teacher = receipt.teacher
    about_teacher = [teacher.path]
    if teacher.step is not None:
        about_teacher.append(f"step {teacher.step:,}")
    about_teacher += [f"SHA-256 {digest}" for digest in teacher.sha256]
    found = {
        "teacher": ", ".join(about_teacher),
        "asked for": ", ".join(targets) or f"the shape {receipt.shape}",
        "pictures": receipt.data,
    }
    for direction in receipt.directions:
        if direction.inherited is not None:
            found[f"kept, {direction.words}"] = _kept(direction.inherited)
    if receipt.steps:
        found["trained"] = f"{receipt.steps:,} steps"
    if receipt.seconds:
        spent = [f"{name} {seconds:,.0f} s" for name, seconds in receipt.seconds.items()]
        found["time"] = ", ".join(spent)
    if receipt.options:
        found["options"] = ", ".join(
            f"{name}={value}" for name, value in receipt.options.items() if value is not None
        )
    packages = [f"{name} {version}" for name, version in receipt.versions.items()]
    found["made"] = f"{receipt.created} on {receipt.machine}"
    found["versions"] = ", ".join(packages)
    return found


def _kept(inherited: Inheritance) -> str:
    words = []
    if inherited.blocks:
        blocks = ", ".join(str(block) for block in inherited.blocks)
        words.append(f"blocks {blocks} of the teacher's, counted from 1")
    counts = [f"{len(channels)} at {stage}" for stage, channels in inherited.channels.items()]
    if counts:
        words.append(f"channels {', '.join(counts)} (which ones is in receipt.json)")
    if inherited.unexplained:
        worst = max(inherited.unexplained, key=lambda name: inherited.unexplained[name])
        shares = list(inherited.unexplained.values())
        words.append(
            f"the kept channels leave {sum(shares) / len(shares):.1%} of the variance of the "
            f"others unexplained, and {inherited.unexplained[worst]:.1%} at worst ({worst})"
        )
    return "; ".join(words) or "nothing"


def notes(receipt: Receipt) -> list[str]:
    """Returns the protocol of every number, and what a reader must know besides."""
    found = []
    for direction in receipt.directions:
        costs, quality = direction.costs, direction.quality
        found.append(costs.protocol)
        found += costs.left_out
        if any(each.variant in CALIBRATED for each in costs.files):
            found.append(
                f"The variants {' and '.join(CALIBRATED)} have ranges that were calibrated once, "
                "and are further from their network than dynamic: look before using them."
            )
        if quality is not None:
            found.append(f"{PROTOCOL} Offsets are in {quality.unit}.")
            found += [f"{each.name}: {each.protocol}" for each in quality.comparisons]
            found += [f"{direction.words}: {sentence}" for sentence in quality.left_out]
    found += receipt.notes
    return list(dict.fromkeys(found))


# ---- numbers ----


def number(value: float | None) -> str:
    """Returns three significant digits; "-" where there is no number."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def gmacs(macs: int) -> str:
    """Returns multiplications in thousands of millions.

    Example:
        >>> gmacs(2_420_000_000), gmacs(49_740_251_136), gmacs(3_200_000)
        ('2.42', '49.7', '0.0032')
    """
    return f"{macs / 1e9:.3g}"


def db(estimate: Estimate) -> str:
    """Returns a PSNR with its interval."""
    return _interval(estimate, "{:.1f}")


def _interval(estimate: Estimate | None, form: str) -> str:
    if estimate is None:
        return UNKNOWN
    value, low, high = (form.format(each) for each in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def _of(cost: FileCost | None, field: str, words: Callable[[float], str]) -> str:
    value = None if cost is None else vars(cost)[field]
    return UNKNOWN if value is None else words(value)
