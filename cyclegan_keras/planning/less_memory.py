"""What to type where a training has run out of memory."""

from collections.abc import Mapping

import keras

from cyclegan_keras.planning import advice, devices, planner


def sentences(options: Mapping, data, trainer) -> str:
    """Returns how large a step is, which options take less memory, and how to find what fits.

    Nothing is measured, since the memory is taken: `--plan` does that in processes of its own.

    Args:
        options: of the training, by group, all of them definite.
        data: the pictures (`pipelines.data.Data`).
        trainer: what ran out of memory.
    """
    training = planner.planned_training(options, data, trainer)
    batch, height, width = training.shape
    device, free_bytes, on_gpu = devices.capacity()
    kind = "GPU" if on_gpu else "main"
    found = [
        f"The {kind} memory ({device}, {free_bytes / planner.GB:.1f} GB) does not suffice for "
        f"batches of {batch} with {width}x{height} px."
    ]
    same = same_training(training, can_remat=planner.can_remat(trainer))
    if same:
        found.append(f"The same training goes on and takes less with {' or '.join(same)}.")
    crop_flags = planner.crop_flags(data.options)
    other = [f"--batch_size={batch // 2}"] if batch > 1 else []
    sides = advice.smaller_sides(min(height, width), training.multiple, training.smallest)
    other += [crop_flags(side) for side in sides[:1]]
    if not options["run"].mixed_precision and keras.config.floatx() == "float32":
        other.append("--mixed_precision=bfloat16")
    found.append(f"Another one, in a new --run_dir, takes less with {' or '.join(other)}.")
    found.append("--plan added to the command measures which of them fit.")
    return " ".join(found)


def same_training(training: advice.PlannedTraining, *, can_remat: bool) -> list[str]:
    """Returns what to type so that the same training takes less memory.

    Args:
        training: as it is.
        can_remat: whether its networks can take --remat.
    """
    batch, parts = training.shape[0], training.parts
    changes = [
        f"--accumulate_steps={more}" for more in range(parts + 1, batch + 1) if batch % more == 0
    ][:1]
    if can_remat and not training.remat:
        changes.append("--remat")
    return changes
