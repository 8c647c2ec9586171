"""What a compression ends with: costs and quality of the students, measured and written down."""

import time
from collections.abc import Mapping
from typing import Any

import absl.logging
import numpy as np

from cyclegan_keras.cli import flags
from cyclegan_keras.commands.compress_setup import Setup, translators_of
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import EvaluationError
from cyclegan_keras.runs.run import Run
from pipelines.preprocess import viewing_words

N_CALIBRATION = 12  # training pictures on which integer variants are calibrated
N_COMPARED = 4  # held-out pictures on which files are compared with their networks


def write_results(setup: Setup, data, directory: Run) -> None:
    """Measures the students of a finished compression, and writes and prints the receipt.

    A receipt that is there already is kept, unless it is of another number of pictures.

    Args:
        setup: what the compression consists of.
        data: its pictures.
        directory: the run, locked.
    """
    from cyclegan_keras.compression import receipt_files, receipt_text
    from cyclegan_keras.compression.before_after import write_before_after

    receipt = receipt_files.read_receipt(directory.directory)
    is_written = (directory.directory / receipt_files.MARKDOWN_FILE).exists()
    most = setup.options["compression"].max_pictures
    if receipt is None or not is_written or receipt.options["max_pictures"] != most:
        absl.logging.info("Measuring the students beside their teachers, for the receipt.")
        receipt, translated = measured_receipt(setup, data, directory)
        if translated:
            write_before_after(directory.directory, translated)
        receipt_files.write_receipt(receipt, directory.directory)
        for sentence in receipt_text.exceeded(receipt):
            absl.logging.warning("%s", sentence)
    print(f"Receipt: {directory.directory / receipt_files.MARKDOWN_FILE}")
    for sentence in receipt_text.headline(receipt):
        print(sentence)


def keep_better_students(setup: Setup, data, directory: Run, distiller) -> None:
    """Gives students those weights back that they had before the adversarial part, if better.

    The last checkpoint then holds them, and the receipt says which were kept.

    Args:
        setup: what the compression consists of.
        data: its pictures.
        directory: the run, with a snapshot of the students before.
        distiller: has finished its last step.
    """
    from cyclegan_keras.runs.networks import networks_of_run
    from cyclegan_keras.runs.sources import RunSource

    step = distiller.adversarial_from
    source = RunSource(directory=directory.directory, step=step, file=directory.snapshot(step))
    before = networks_of_run(source).networks
    facts = directory.saved_facts()
    begun = facts["compression"]
    if "adversarial_is_kept" not in begun:
        kept = better_students(setup, data, before, distiller)
        begun = {**begun, "adversarial_is_kept": kept.adversarial, "notes": [kept.why]}
        directory.save_facts({**facts, "compression": begun})
        print(kept.why)
    if not begun["adversarial_is_kept"]:
        give_weights_back(before, directory, distiller)


def give_weights_back(before: Mapping[str, Any], directory: Run, distiller) -> None:
    """Gives the students of a distiller, and of its last checkpoint, the weights of others.

    Args:
        before: the others, by role.
        directory: the run.
        distiller: has finished its last step.
    """
    has_changed = False
    for role, network in before.items():
        student = distiller.networks[role]
        weights = network.get_weights()
        pairs = zip(student.get_weights(), weights, strict=True)
        if not all(np.array_equal(weight, earlier) for weight, earlier in pairs):
            student.set_weights(weights)
            has_changed = True
    if has_changed:
        state = {name: np.array(variable) for name, variable in distiller.state().items()}
        directory.save(distiller.step, state)


def better_students(setup: Setup, data, before: Mapping[str, Any], distiller):
    """Returns which students are nearer to held-out real pictures, as `compression.keeping.Kept`.

    Args:
        setup: what the compression consists of.
        data: its pictures.
        before: the students before the adversarial part, by role.
        distiller: has the students after it.
    """
    from cyclegan_keras.compression.keeping import Kept, keep_better, kid_of
    from cyclegan_keras.files.errors import MetricError
    from cyclegan_keras.translation.opening import translator_of

    selecting, reason = pictures_to_judge(setup, data, "selection")
    features = features_or_none()
    measured: dict[str, list] = {"before": [], "after": []}
    try:
        if reason or features is None:
            raise MetricError(reason or "the weights of the features are missing.")
        for direction, pictures in selecting.items():
            role = setup.role_of(direction)
            description = before[role].description
            distiller.networks[role].description = description
            for name, network in (("before", before[role]), ("after", distiller.networks[role])):
                kid = kid_of(translator_of(network), pictures, network=features)
                measured[name].append(kid)
        return keep_better(measured["before"], measured["after"])
    except MetricError as error:
        why = f"The students before the adversarial part are kept, since there is no KID: {error}"
        return Kept(False, why)


def measured_receipt(setup: Setup, data, directory: Run) -> tuple[Any, list]:
    """Returns the receipt, and the pictures that students were judged on with translations."""
    from cyclegan_keras.compression.inherited import Inherited
    from cyclegan_keras.compression.measuring import measure_costs
    from cyclegan_keras.compression.quality import judge, translate_by_both
    from cyclegan_keras.compression.receipt import CompressedDirection, Receipt
    from cyclegan_keras.compression.shapes import Shape
    from cyclegan_keras.export.tflite import parse_size
    from cyclegan_keras.runs.networks import networks_of_run
    from cyclegan_keras.translation.opening import translator_of

    began = time.perf_counter()
    options = setup.options["compression"]
    facts = directory.saved_facts()
    begun = facts["compression"]
    teachers = setup.teachers.networks
    trained = networks_of_run(directory.directory, averages=True).networks
    students = {direction: trained[setup.role_of(direction)] for direction in teachers}

    # ---- pictures ----
    notes = list(begun.get("notes", ()))
    part = part_to_judge(setup)
    judged, reason = pictures_to_judge(setup, data, part)
    if reason and part != "all":
        notes.append(
            "There are too few test pictures to leave those out that chose between weights of the "
            f"students (--gan) or of the teacher (--eval_every): {reason}"
        )
        part = "all"
        judged, reason = pictures_to_judge(setup, data, part)
    if reason:
        notes.append(f"The quality of the students is not measured: {reason}")
    if part != "all":
        notes.append(
            "The students are judged on every second test picture: the others chose between "
            "weights of the students (--gan) or of the teacher (--eval_every)."
        )

    # ---- costs ----
    costs = measure_costs(
        teachers,
        students,
        size=parse_size(options.size),
        pictures={
            direction: some_pictures(data, "test", setup, direction, N_COMPARED)
            for direction in teachers
        },
        calibration={
            direction: some_pictures(data, "train", setup, direction, N_CALIBRATION)
            for direction in teachers
        },
        threads=options.threads,
    )

    # ---- quality ----
    network = features_or_none()
    of_pictures = data.whole.options
    translated = {}
    for direction, pictures in judged.items():
        translated[direction] = translate_by_both(
            translator_of(teachers[direction]), translator_of(students[direction]), pictures
        )
    directions = []
    for direction, student in students.items():
        inherited = Inherited.from_dict(begun["inherited"][setup.role_of(direction)])
        directions.append(
            CompressedDirection(
                signature=direction.signature,
                words=student.description.words,
                costs=costs[direction],
                quality=(
                    judge(
                        translated[direction],
                        network=network,
                        seed=options.seed,
                        is_held_out=data.whole.has_test,
                        preparation=viewing_words(
                            of_pictures.preprocess, of_pictures.load_size, of_pictures.crop_size
                        ),
                    )
                    if direction in translated
                    else None
                ),
                inherited=inherited,
            )
        )

    # ---- all of it ----
    asked_for = {"kb": options.target_kb, "ms": options.target_ms, "macs": options.target_macs}
    seconds = {**begun["seconds"], "measuring": time.perf_counter() - began}
    receipt = Receipt(
        teacher=source_of(setup),
        shape=str(Shape.of(next(iter(students.values())))),
        targets={name: value for name, value in asked_for.items() if value is not None},
        variant=options.variant,
        data=data.whole.name,
        directions=tuple(directions),
        shapes=tried_shapes(begun),
        options={
            **flags.flatten(setup.options, saved_only=True),
            # What was found out only when the pictures were there.
            "load_size": of_pictures.load_size,
            "crop_size": of_pictures.crop_size,
            "batch_size": data.patches.options.batch_size,
            "patch_size": data.patches.options.crop_size,
        },
        steps=begun["steps"],
        seconds=seconds,
        notes=tuple(notes),
    )
    return receipt, list(translated.values())


def part_to_judge(setup: Setup) -> str:
    """Returns which test pictures the receipt is about: only such as had no say in what was kept.

    With --gan, pictures choose between students before and after the adversarial part; in a
    training with --eval_every, they choose between steps of the teacher.
    """
    selects = setup.options["compression"].gan or setup.teachers.trained_with.get("eval_every")
    return "held_out" if selects and not setup.options["pictures"].pictures else "all"


def pictures_to_judge(setup: Setup, data, part: str) -> tuple[dict[Direction, Any], str]:
    """Returns test pictures of each direction, and a sentence where there are too few.

    Args:
        setup: what the compression consists of.
        data: its pictures; where none are held out, those of the training take their place.
        part: which of them, see `evaluation.held_out.indices`.
    """
    from cyclegan_keras.evaluation.held_out import indices, pictures_of
    from cyclegan_keras.evaluation.protocol import Pictures

    most = setup.options["compression"].max_pictures
    if setup.options["pictures"].pictures:  # there are none of the other domain
        (direction,) = setup.teachers.networks
        description = setup.teachers.networks[direction].description
        test = data.whole.unaugmented("test", "x")
        chosen = indices(len(test), part, most)
        pictures = Pictures(
            inputs=[test(index) for index in chosen],
            real=(),
            names=[test.pictures.names[index] for index in chosen],
            source_form=description.source_form,
            target_form=description.target_form,
        )
        return {direction: pictures}, ""
    try:
        found = pictures_of(data.whole, part, most)
    except EvaluationError as error:
        return {}, str(error)
    named = translators_of(setup)
    by_role = {role: found[direction] for direction, role in named.items()}
    return {
        direction: by_role[setup.role_of(direction)] for direction in setup.teachers.networks
    }, ""


def some_pictures(data, split: str, setup: Setup, direction: Direction, count: int) -> list:
    """Returns pictures of one side, spread evenly over those there are.

    Args:
        data: the pictures.
        split: "train" or "test".
        setup: what the compression consists of.
        direction: whose pictures to translate.
        count: how many, at most.
    """
    from cyclegan_keras.evaluation.held_out import indices

    side = "x" if setup.role_of(direction) == "generator_g" else "y"
    loader = data.whole.unaugmented(split, side)
    return [loader(index) for index in indices(len(loader), most=count)]


def features_or_none():
    """Returns the feature network of evaluations; None, with a warning, where it is missing."""
    from cyclegan_keras.evaluation.features import open_features

    try:
        return open_features("efficientnet_lite0")
    except EvaluationError as error:
        absl.logging.warning("%s The KID is left out.", error)
        return None


def tried_shapes(begun) -> tuple:
    """Returns the shapes that were tried, as facts.json holds them."""
    from cyclegan_keras.compression.receipt import TriedShape

    return tuple(TriedShape(**each) for each in begun["shapes"])


def source_of(setup: Setup):
    """Returns what was compressed, as a receipt tells it."""
    from cyclegan_keras.compression.receipt import Source
    from cyclegan_keras.compression.shapes import Shape

    teachers = setup.teachers
    return Source(
        name=teachers.name,
        path=teachers.model,
        sha256=tuple(teachers.digests.values()),
        shape=str(Shape.of(teachers.any_network)),
        step=teachers.step,
    )
