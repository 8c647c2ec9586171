"""The generators of a run as .keras files."""

import pathlib

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.models.description import Description
from cyclegan_keras.runs.run import Run


def save_generator(trainer, run: Run, direction: str, path: pathlib.Path) -> None:
    """Writes the generator of one direction, with all that is needed to use it."""
    generator = trainer.generator(direction)
    told = {"options": run.saved_options(), "facts": run.saved_facts(), "step": trainer.step}
    name = trainer.translators[direction]
    generator.description = Description.of_run(generator, name, **told)
    generator.save(path)


def save_generators(trainer, run: Run) -> str:
    """Writes generator_g.keras and, for two-way methods, generator_f.keras; returns where."""
    lines = []
    for direction, name in trainer.translators.items():
        with atomic_write(run.directory / f"{name}.keras") as temporary:
            save_generator(trainer, run, direction, temporary)
        lines.append(f"Generator {direction.replace('_', ' ')}: {run.directory / name}.keras")
    if (run.directory / "best" / "best.json").exists():
        lines.append(f"The best ones, and by which rule: {run.directory / 'best'}")
    return "\n".join(lines)
