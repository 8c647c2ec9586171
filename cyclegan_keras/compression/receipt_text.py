"""A receipt in words: its headline and tables, for Markdown and for the page."""

import dataclasses
from collections.abc import Callable, Sequence

from cyclegan_keras.compression.estimates import Estimate
from cyclegan_keras.compression.inherited import Inherited
from cyclegan_keras.compression.likeness import PROTOCOL
from cyclegan_keras.compression.measuring import STUDENT, TEACHER, Costs, FileCost
from cyclegan_keras.compression.quality import COPY, MIRRORED, Comparison, Quality
from cyclegan_keras.compression.receipt import Receipt, TargetResult, TriedShape
from cyclegan_keras.compression.words import UNKNOWN, multiplications, number
from cyclegan_keras.export.tflite import CALIBRATED, VARIANTS
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.markdown import table as markdown_table
from cyclegan_keras.report.section import Table

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
    """Returns what matters most in short sentences: paragraphs of the costs, then of the quality.

    Each paragraph begins with the directions that it is about.
    """
    subject = "each student" if _cost_the_same(receipt) else "the student"
    paragraphs = [
        f"{words}: {subject} {' '.join(_cost_sentences(receipt, costs))}"
        for words, costs in _costs_by_words(receipt).items()
    ]
    if receipt.targets:
        paragraphs.append(" ".join(_in_words(result) for result in receipt.target_results()))
    for direction in receipt.directions:
        if direction.quality is not None:
            sentences = _quality_sentences(direction.quality)
            paragraphs.append(f"{direction.words}: {' '.join(sentences)}")
    return paragraphs


def exceeded(receipt: Receipt) -> list[str]:
    """Returns a sentence for each target that a student does not keep to."""
    return [_in_words(result) for result in receipt.target_results() if result.is_exceeded]


def _in_words(result: TargetResult) -> str:
    target = f"The target of at most {_amount(result.name, result.most)}"
    if result.found is None:
        return f"{target} was not measured."
    found = _amount(result.name, result.found)
    if not result.is_exceeded:
        return f"{target} is kept, with {found}."
    more = ""
    if result.name == "ms":
        more = " Times depend on what else a machine does: a lower target leaves room for that."
    return f"{target} is exceeded, with {found}.{more}"


def _amount(name: str, amount: float) -> str:
    return multiplications(amount) if name == "macs" else f"{number(amount)} {TARGETS[name]}"


def _verdict(result: TargetResult) -> str:
    target = f"at most {_amount(result.name, result.most)}"
    if result.found is None:
        return f"{target} (not measured)"
    verdict = "exceeded" if result.is_exceeded else "kept"
    return f"{target} ({_amount(result.name, result.found)}, {verdict})"


def _cost_sentences(receipt: Receipt, costs: Costs) -> list[str]:
    teacher, student = costs.network(TEACHER), costs.network(STUDENT)
    sentences = [
        f"needs {multiplications(student.macs)} for a picture of {costs.height} x "
        f"{costs.width} px, {teacher.macs / student.macs:.1f} times less than the teacher's "
        f"{multiplications(teacher.macs)}."
    ]
    teacher_file = costs.file(TEACHER, receipt.variant)
    student_file = costs.file(STUDENT, receipt.variant)
    if teacher_file and student_file:
        sentences += [
            f"Its TFLite file ({receipt.variant}) has {student_file.kb:,.0f} kB, the teacher's "
            f"{teacher_file.kb:,.0f} kB.",
            f"It takes {number(student_file.ms)} ms a picture, the teacher's "
            f"{number(teacher_file.ms)} ms: {teacher_file.ms / student_file.ms:.1f} times as fast.",
        ]
    return sentences


def _quality_sentences(quality: Quality) -> list[str]:
    like = quality.of(STUDENT)
    similarity = "" if like.ssim is None else f", and an SSIM of {like.ssim.value:.3f}"
    sentences = [
        f"on {quality.pictures}, the student's translations have a PSNR of {db(like.psnr_db)} dB "
        f"to the teacher's{similarity}."
    ]
    yardsticks = [
        f"{words} {each.psnr_db.value:.1f} dB"
        for words, each in (
            ("the teacher, mirrored in and back, has", quality.of(MIRRORED)),
            ("copies of the inputs have", quality.of(COPY)),
        )
        if each is not None
    ]
    if yardsticks:
        sentences.append(f"For comparison: {', and '.join(yardsticks)}.")
    for comparison in quality.comparisons:
        sentences += _comparison_sentences(comparison)
    return sentences


def _comparison_sentences(comparison: Comparison) -> list[str]:
    copies = ""
    if comparison.copy_score is not None:
        copies = f", {number(comparison.copy_score)} for copies of the inputs"
    sentences = [
        f"{comparison.name}: {_interval(comparison.student, number)} for the student, "
        f"{_interval(comparison.teacher, number)} for the teacher{copies}; {comparison.better} is "
        "better."
    ]
    if not comparison.is_told_apart:
        sentences.append("The intervals overlap: student and teacher are not told apart.")
    return sentences


def tables(receipt: Receipt) -> list[Table]:
    """Returns all tables: of the costs, of the quality of each direction, of the shapes."""
    found = []
    all_costs = _costs_by_words(receipt)
    for words, costs in all_costs.items():
        suffix = f": {words}" if len(all_costs) > 1 else ""
        found.append(_cost_table(costs, f"Cost{suffix}"))
        if costs.files:
            found.append(_file_table(costs, f"TFLite files{suffix}"))
    for direction in receipt.directions:
        quality = direction.quality
        if quality is None:
            continue
        suffix = "" if quality.is_held_out else ", on training pictures"
        if len(receipt.directions) > 1:
            suffix += f": {direction.words}"
        found.append(_likeness_table(quality, f"Likeness to the teacher{suffix}"))
        if quality.comparisons:
            found.append(_comparison_table(quality, f"Beside the teacher{suffix}"))
    if receipt.shapes:
        found.append(_shape_table(receipt.shapes, receipt.shape))
    return found


def _costs_by_words(receipt: Receipt) -> dict[str, Costs]:
    """Returns the costs of each direction by its words; where they are equal, once for all."""
    each = [direction.costs for direction in receipt.directions]
    if not _cost_the_same(receipt):
        return {direction.words: direction.costs for direction in receipt.directions}
    words = " and ".join(direction.words for direction in receipt.directions)
    files = [
        _dearer([costs.file(file.network, file.variant) for costs in each])
        for file in each[0].files
    ]
    return {words: dataclasses.replace(each[0], files=tuple(files))}


def _cost_the_same(receipt: Receipt) -> bool:
    """Whether there are several directions whose networks cost the same, with the same files."""
    costs = [direction.costs for direction in receipt.directions]
    kinds = {(each.height, each.width, each.networks, _kinds(each)) for each in costs}
    return len(costs) > 1 and len(kinds) == 1


def _kinds(costs: Costs) -> frozenset:
    return frozenset((file.network, file.variant) for file in costs.files)


def _dearer(files: Sequence[FileCost]) -> FileCost:
    """Returns the larger costs of files of one kind, and the lower PSNR."""
    memory = [file.peak_memory_mb for file in files if file.peak_memory_mb is not None]
    nearness = [file.psnr_db for file in files if file.psnr_db is not None]
    return dataclasses.replace(
        files[0],
        kb=max(file.kb for file in files),
        ms=max(file.ms for file in files),
        peak_memory_mb=max(memory, default=None),
        psnr_db=min(nearness, default=None),
    )


def _cost_table(costs: Costs, heading: str) -> Table:
    teacher, student = costs.network(TEACHER), costs.network(STUDENT)
    rows = (
        (
            "multiplications",
            multiplications(teacher.macs),
            multiplications(student.macs),
            f"{teacher.macs / student.macs:.1f} times less",
        ),
        (
            "parameters",
            f"{teacher.parameters:,}",
            f"{student.parameters:,}",
            f"{teacher.parameters / student.parameters:.1f} times less",
        ),
    )
    return Table(heading=heading, header=("measure", "teacher", "student", "ratio"), rows=rows)


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
        if student is not None and student.psnr_db is not None:
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
            _interval(each.ssim, "{:.3f}".format),
            db(each.psnr_without_offset_db),
            _interval(each.ssim_without_offset, "{:.3f}".format),
            _interval(each.offset, number),
        )
        for each in quality.likeness
    ]
    return _without_empty_columns(heading, header, rows)


def _comparison_table(quality: Quality, heading: str) -> Table:
    header = ("measure", "teacher", "student", "real pictures", "copying")
    rows = [
        (
            f"{each.name} ({each.better} is better)",
            _interval(each.teacher, number),
            _interval(each.student, number),
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
            multiplications(each.macs),
            f"{each.parameters:,}",
            UNKNOWN if each.kb is None else f"{each.kb:,.0f}",
            number(each.ms),
            "yes" if each.fits else "no",
        )
        for each in shapes
    ]
    header = ("ngf x blocks", "multiplications", "parameters", "kB", "ms", "fits")
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
    targets = [_verdict(result) for result in receipt.target_results()]
    teacher = receipt.teacher
    about_teacher = [teacher.path]
    if teacher.step is not None:
        about_teacher.append(f"step {teacher.step:,}")
    for direction, digest in zip(receipt.directions, teacher.sha256, strict=True):
        about_teacher.append(
            f"SHA-256 of the weights, {Direction.of_signature(direction.signature)}: {digest}"
        )
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


def _kept(inherited: Inherited) -> str:
    words = []
    if inherited.blocks:
        blocks = ", ".join(str(block) for block in inherited.blocks)
        words.append(f"blocks {blocks} of the teacher's, counted from 1")
    counts = [f"{len(channels)} at {stage}" for stage, channels in inherited.channels.items()]
    if counts:
        words.append(f"channels {', '.join(counts)} (receipt.json lists them)")
    if inherited.unexplained:
        worst = max(inherited.unexplained, key=lambda name: inherited.unexplained[name])
        shares = list(inherited.unexplained.values())
        words.append(
            f"before it learned, the student's channels left {sum(shares) / len(shares):.1%} of "
            "what the teacher's hold before a convolution unexplained (a share of their mean "
            f"square, on average), and {inherited.unexplained[worst]:.1%} at worst ({worst})"
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
            sentences = [PROTOCOL, f"Offsets are in {quality.unit}.", quality.preparation]
            found.append(" ".join(sentence for sentence in sentences if sentence))
            if not quality.is_held_out:
                found.append(
                    f"{direction.words}: there are no held-out pictures. The student was judged on "
                    "pictures that it learned from, so expect less of it on others."
                )
            found += [f"{each.name}: {each.protocol}" for each in quality.comparisons]
            found += [f"{direction.words}: {sentence}" for sentence in quality.left_out]
    if _cost_the_same(receipt):
        found.append(
            "The networks of both directions cost the same. Of their files, the larger kB, ms and "
            "MB are shown, and the lower PSNR."
        )
    found += receipt.notes
    return list(dict.fromkeys(found))


# ---- numbers ----


def db(estimate: Estimate) -> str:
    """Returns a PSNR with its interval."""
    return _interval(estimate, "{:.1f}".format)


def _interval(estimate: Estimate | None, words: Callable[[float], str]) -> str:
    if estimate is None:
        return UNKNOWN
    return f"{words(estimate.value)} ({words(estimate.low)} to {words(estimate.high)})"


def _of(cost: FileCost | None, field: str, words: Callable[[float], str]) -> str:
    value = None if cost is None else vars(cost)[field]
    return UNKNOWN if value is None else words(value)
