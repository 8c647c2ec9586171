"""Trains an image-to-image translator: options -> data -> trainer -> fit -> save.

python train.py --dataset=cycle_gan/horse2zebra
"""

import contextlib
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import absl.logging

from cyclegan_keras.cli import backends, flags, reference_flags
from cyclegan_keras.cli.console import Interruption, run_command
from cyclegan_keras.commands.check_data import check_before_training
from cyclegan_keras.commands.fitting import (
    continue_run,
    fit_while_readable,
    print_generators,
    saving_after_failure,
)
from cyclegan_keras.commands.train_setup import (
    GROUPS,
    Setup,
    compare_pairs,
    compare_pictures,
    known_values,
    refuse_missing,
    resolve_options,
    run_of_same_pictures,
)
from cyclegan_keras.files.errors import (
    OptionError,
    RunError,
    UserError,
)
from cyclegan_keras.files.garbage import load_keras
from cyclegan_keras.hub import fetching
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.opening import check_installed, open_trackers, public, try_out
from cyclegan_keras.tracking.tracker import Tracker


def run(**options) -> int:
    """Trains, as `train.py` does with the same options.

    One call may follow another in a process: each trains what it would in a process of its own, and
    leaves the precision, the determinism and the generators of random numbers of its caller as
    `cyclegan_keras.training.global_state` says.

    Args:
        **options: the options of docs/options.md by name; those left out have their defaults.

    Returns:
        The exit code of the command: 0 when the training has reached its last step, 128 + the
        signal when a signal ended it before; the same call then continues it.

    Raises:
        UserError: an option cannot be used, or the training failed; the message says why.

    Example:
        from cyclegan_keras.commands import train
        train.run(dataset="photos", crop_size=128, n_epochs=50)
    """
    return train(flags.as_typed(options, GROUPS))


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, train, GROUPS, __doc__, reference_flags.TRAIN)


def train(typed: Mapping[str, Any]) -> int:
    """Trains with the typed options, given by name; returns the exit code."""
    backends.check_environment()
    if typed.get("dry_run"):
        setup = resolve_options(typed)
        check_installed(setup.options["trackers"].names)
        shown = flags.flatten(setup.options)
        shown["run_dir"] = setup.run_dir
        print(json.dumps(shown, indent=2))
        return 0

    load_keras()
    # The workers connect before the backend computes anything, which may happen from here on.
    from cyclegan_keras.distribution import devices
    from cyclegan_keras.training.global_state import global_state

    with contextlib.ExitStack() as stack:
        joined = devices.join(typed)
        if joined:
            stack.enter_context(joined)
        setup = resolve_options(typed)
        refuse_missing(setup)
        check_installed(setup.options["trackers"].names)
        run_options = setup.options["run"]
        if setup.options["plan"].plan:
            from cyclegan_keras.planning.devices import shared_devices

            stack.enter_context(shared_devices())
        state = global_state(
            seed=run_options.seed,
            deterministic=run_options.deterministic,
            mixed_precision=run_options.mixed_precision,
        )
        stack.enter_context(state)
        exit_code = train_as_set_up(setup, joined)
        if joined:
            joined.exit_code = exit_code
        return exit_code


def train_as_set_up(setup: Setup, joined) -> int:
    """Trains, or plans a training, within the global state that its options ask for.

    Args:
        setup: what the training consists of.
        joined: the other workers, see `cyclegan_keras.distribution.devices.join`.

    Returns:
        The exit code, see `run`.
    """
    import keras

    from cyclegan_keras.distribution import devices
    from cyclegan_keras.training.table import TRAINERS
    from pipelines.data import Data, open_source

    options = setup.options
    team = devices.form_team(
        options["devices"],
        joined,
        options["data"].batch_size,
        accumulate_steps=options["run"].accumulate_steps,
        jit_compile=options["run"].jit_compile,
    )

    # ---- data ----
    paired = TRAINERS[options["run"].method].needs_pairs
    source = open_source(options["data"], paired=paired)
    compare_pictures(setup, source)
    # Only the chief has runs; the others end with the same sentence.
    sentence = team.from_chief(run_of_same_pictures(setup, source) if team.is_chief else "")
    if sentence:
        raise RunError(sentence)
    data = Data(
        options["data"],
        seed=options["run"].seed,
        paired=paired,
        known_values=known_values(setup.run_dir),
        source=source,
        backend=keras.config.backend(),
    )
    compare_pairs(setup, data)
    options = fill_in(options, data)
    steps_per_epoch = options["run"].steps_per_epoch
    absl.logging.info("%s; %d steps an epoch", data.describe(), steps_per_epoch)
    options = adapt_to_channels(options, data, setup.chosen)

    # ---- trainer ----
    facts = data.facts()
    team.check_same(flags.flatten(options, saved_only=True), facts)
    run = Run(setup.run_dir, options["run"].keep_checkpoints)
    learning_rates = rates_of_run(run, options, team)
    with team.scope():
        trainer = build_trainer(options, data, learning_rates)
    if options["plan"].plan:
        from cyclegan_keras.planning.planner import plan

        if team.devices > 1:
            absl.logging.info(
                "The plan is that of one device with whole batches; in the training, %d devices "
                "share them.",
                team.devices,
            )
        found = plan(options, data, trainer)
        print(found.text)
        return 0 if found.fits else 1
    if setup.starting_networks:
        print(f"The weights are those of {options['run'].init_from}.")
        print(start_from(trainer, setup.starting_networks))
        of_hub = fetching.pinned(options["run"].init_from)
        if of_hub is not None:
            facts["initialized_from"] = of_hub

    # ---- training ----
    if not team.is_chief:  # only the chief writes files
        return train_to_the_end(run, trainer, data, options, team)
    data_check = None
    if not setup.saved:
        run.check_free()
        try_out(options["trackers"].names)
        mode = options["data check"].check_data
        chosen = setup.options["data"]
        data_check = check_before_training(source, chosen, mode, paired=paired)
    run.create()
    with run.locked():
        note_changes(run, options, learning_rates)
        run.save_options(flags.flatten(options, saved_only=True))
        run.note_facts(facts)
        if data_check is not None:
            run.save_data_check(data_check)
        return train_to_the_end(run, trainer, data, options, team)


def adapt_to_channels(options: dict, data, chosen: Mapping[str, Any]) -> dict:
    """Returns the options without terms of the objective that need x and y of equal channels.

    Raises:
        OptionError: such a term was asked for, and the channels differ.
    """
    channels_x, channels_y = data.options.input_nc, data.options.output_nc
    if channels_x == channels_y:
        return options
    method = options["run"].method
    changes = options[method].changes_for_different_channels()
    for name, value in changes.items():
        without = f"--no{name}" if value is False else f"--{name}={value:g}"
        if chosen.get(name, value) != value:
            raise OptionError(
                f"--{name}={chosen[name]} needs x and y of equal channels, but they have "
                f"{channels_x} and {channels_y}: use {without}, or equal --input_nc and "
                "--output_nc."
            )
        absl.logging.info(
            "x and y differ in channels (%d and %d): the term of identity is left out (%s).",
            channels_x,
            channels_y,
            without,
        )
    return {**options, method: dataclasses.replace(options[method], **changes)}


def fill_in(options: dict, data) -> dict:
    """Returns the options with values for those that depend on the data or on other options."""
    from cyclegan_keras.training.table import TRAINERS

    run_options, network_options = options["run"], options["networks"]
    if run_options.steps_per_epoch is None:
        run_options = dataclasses.replace(run_options, steps_per_epoch=data.steps_per_epoch)
    if network_options.generator is None:
        generator = TRAINERS[run_options.method].usual_generator(data.sizes)
        network_options = dataclasses.replace(network_options, generator=generator)
    if network_options.norm == "none" and network_options.use_bias is None:
        network_options = dataclasses.replace(network_options, use_bias=False)
    return {**options, "run": run_options, "data": data.options, "networks": network_options}


def rates_of_run(run: Run, options: dict, team) -> list:
    """Returns the learning rates of a run that is started or continued, each with its epoch.

    Args:
        run: may exist already.
        options: all of them, by group.
        team: of the workers; they all take the rates of the chief, who has the run.
    """
    from cyclegan_keras.training import rates

    asked, steps_per_epoch = options["optimizer"].learning_rate, options["run"].steps_per_epoch
    before = rates.from_json(run.saved_facts(), run.saved_options(), asked)
    now = rates.rates_with(before, asked, step=run.last_step(), steps_per_epoch=steps_per_epoch)
    return [rates.Rate(**fields) for fields in team.from_chief(rates.to_json(now))]


def note_changes(run: Run, options: dict, learning_rates: list) -> None:
    """Tells how a run is continued otherwise than before, and writes down its learning rates."""
    from cyclegan_keras.training import optimizers, rates

    saved, optimizer = run.saved_options(), options["optimizer"]
    rates_before = rates.from_json(run.saved_facts(), saved, optimizer.learning_rate)
    steps_per_epoch = options["run"].steps_per_epoch
    n_epochs = optimizer.n_epochs + optimizer.n_epochs_decay
    if saved and rates_before != learning_rates:
        absl.logging.info("Learning rate: %s.", rates.words(learning_rates))
        if learning_rates[-1].from_epoch > n_epochs:
            absl.logging.warning(
                "The run ends after epoch %d, before the new learning rate applies: add --n_epochs "
                "or --n_epochs_decay.",
                n_epochs,
            )
    if len(learning_rates) > 1 or "learning_rates" in run.saved_facts():
        run.note_learning_rates(rates.to_json(learning_rates))
    epochs = (optimizer.n_epochs, optimizer.n_epochs_decay)
    before = (saved.get("n_epochs"), saved.get("n_epochs_decay"))
    if saved and epochs != before and run.last_step() < n_epochs * steps_per_epoch:
        schedule = optimizers.build_schedule(optimizer, steps_per_epoch, learning_rates)
        absl.logging.info(
            "The run has %d + %d epochs now, before %s + %s. The learning rate is that of the new "
            "schedule, %.3g in the next step.",
            *epochs,
            *before,
            float(schedule(run.last_step())),
        )


def build_trainer(options: dict, data, learning_rates: Sequence = ()):
    """Returns the trainer of the chosen method.

    Args:
        options: all of them, by group.
        data: the pictures.
        learning_rates: of the run, each with the epoch from which it applies; that of the options
            unless given.

    Raises:
        OptionError: the options do not go together.
        TrainingError: the pictures do not fit the networks.
    """
    from cyclegan_keras.training.optimizers import adam
    from cyclegan_keras.training.table import TRAINERS

    run_options = options["run"]
    method_options = options[run_options.method]
    if data.options.batch_size % run_options.accumulate_steps:
        raise OptionError(
            f"--batch_size={data.options.batch_size} cannot be taken in --accumulate_steps="
            f"{run_options.accumulate_steps} equal parts: it counts all pictures of a step. Use a "
            "multiple."
        )
    needed_changes = method_options.changes_for_several_sizes()
    height, _, _ = data.shapes["x"]
    if height is None and needed_changes:
        raise OptionError(
            f"--preprocess={data.options.preprocess} gives pictures of several sizes, but this "
            f"objective needs one: use {' and '.join(needed_changes)}, or a --preprocess that "
            "crops."
        )
    trainer = TRAINERS[run_options.method].from_options(
        method_options,
        options["networks"],
        lambda: adam(options["optimizer"], run_options.steps_per_epoch, learning_rates),
        shapes=data.shapes,
        seed=run_options.seed,
        jit_compile=run_options.jit_compile,
        accumulate_steps=run_options.accumulate_steps,
        remat=run_options.remat,
    )
    trainer.check_sizes(data.sizes)
    return trainer


def start_from(trainer, networks: Mapping) -> str:
    """Sets the weights that a training starts from; returns lines that say what was set.

    Args:
        trainer: the trainer, with random weights.
        networks: name in the trainer -> network to take the weights of.

    Raises:
        OptionError: the weights do not fit the networks.
    """
    from cyclegan_keras.models.description import describe

    try:
        trainer.start_from(networks)
    except ValueError as error:
        raise OptionError(f"--init_from does not fit the options typed: {error}") from error
    lines = [f"Starting {name} from {describe(network)}." for name, network in networks.items()]
    random_names = sorted(trainer.networks.keys() - networks.keys())
    if random_names:
        lines.append(f"New: {', '.join(random_names)}.")
    return "\n".join(lines)


def train_to_the_end(run: Run, trainer, data, options: dict, team) -> int:
    """Trains from the last checkpoint of `run`, if there is one, to the end.

    Returns:
        The exit code: 0 at the last step, 128 + the signal when a signal ended the training.
    """
    from cyclegan_keras.evaluation.ground_truth import ground_truth

    # ---- the last checkpoint ----
    if team.is_chief:
        continue_run(trainer, run)
    team.follow_chief(trainer)

    # ---- training ----
    n_epochs = options["optimizer"].n_epochs + options["optimizer"].n_epochs_decay
    last_step = n_epochs * options["run"].steps_per_epoch
    if trainer.step < last_step:
        with tracker_of_training(run, options, team) as tracker:
            if team.is_chief:
                tracker.options(public(flags.flatten(options, saved_only=True)))
                tracker.facts(public(run.saved_facts()))
            interruption = fit(trainer, data, run, options, last_step, team, tracker)
            if interruption.requested():
                tracker.interrupted()
        if data.left_out():
            print(data.left_out())
        if interruption.requested():
            print(
                f"Stopped by {interruption.signal_name} after step {trainer.step} of {last_step}; "
                f"saved in {run.checkpoints}.\nThe same command continues from there."
            )
            return interruption.exit_code
    if trainer.step > last_step:
        print(
            f"{run.directory} has {trainer.step} steps already, and the epochs asked for end at "
            f"step {last_step}: nothing is trained. More of them continue it."
        )
    else:
        print(f"Finished: step {trainer.step} of {last_step}.")

    # ---- results ----
    if team.is_chief:
        print_generators(trainer, run)
        if data.paired_test:
            print(ground_truth(trainer, data))
        print(f"Sample grids: {max(run.samples.glob('*.png'), default=run.samples)}")
    return 0


def tracker_of_training(run: Run, options: dict, team) -> Tracker:
    """Returns the trackers that --tracker names; only the chief has some.

    Raises:
        OptionError: the chief cannot use one; raised on every worker, with the same sentence.
        WriteError: the run cannot be written to.
    """
    tracker, refusal = Tracker(), None
    if team.is_chief:
        try:
            tracker = open_trackers(options["trackers"].names, run)
        except UserError as error:
            refusal = error
    sentence = team.from_chief("" if refusal is None else str(refusal))
    if sentence:
        raise refusal or OptionError(sentence)
    return tracker


def fit(
    trainer, data, run: Run, options: dict, last_step: int, team, tracker: Tracker
) -> Interruption:
    """Trains to `last_step`, or until a signal asks to stop; returns the signal, if any.

    Raises:
        LostPicturesError: pictures cannot be read any more; the state after the last step is saved.
        WriteError: something cannot be written; the state is saved where it still can be.
        MemoryTooSmallError: the memory does not suffice; the message says what takes less.
    """
    from cyclegan_keras.evaluation import best
    from cyclegan_keras.planning import less_memory
    from cyclegan_keras.training import callbacks, progress
    from cyclegan_keras.training.doctor import callback as doctor

    run_options, batch_size = options["run"], data.options.batch_size
    pictures = data.samples(run_options.sample_count)
    keep_best = best.callbacks_for(
        options["selection"],
        trainer,
        data,
        run,
        tracker,
        seed=run_options.seed,
    )
    keep_snapshots = []
    if run_options.snapshot_every:
        keep_snapshots.append(callbacks.Snapshots(run, run_options.snapshot_every))
    doctors = doctor.callbacks_for(
        mode=run_options.doctor,
        run=run,
        tracker=tracker,
        every=run_options.sample_every,
        pictures=pictures,
        method=run_options.method,
        options=options[run_options.method],
    )
    bar = progress.Progress(batch_size, last_step)
    checkpoints = callbacks.Checkpoints(run, run_options.checkpoint_minutes)
    interruption = Interruption(
        "Stopping after this step; press Ctrl-C again to stop without saving."
    )
    callbacks_of_fit = [
        callbacks.StopOnNonFinite(run),
        callbacks.Metrics(
            run,
            tracker,
            every=run_options.log_every,
            batch_size=batch_size,
            steps_per_epoch=run_options.steps_per_epoch,
            last_step=last_step,
        ),
        callbacks.Samples(
            run,
            tracker,
            every=run_options.sample_every,
            pictures=pictures,
            forms=data.forms,
        ),
        progress.FirstStep(),
        bar,
        callbacks.StopOnInterruption(interruption),
        *keep_best,
        *keep_snapshots,
        *doctors,
        # Last, because what the others write of a step must exist when its state does.
        checkpoints,
    ]
    with (
        interruption,
        contextlib.closing(bar),
        saving_after_failure(
            checkpoints,
            trainer,
            what_takes_less=lambda: less_memory.sentences(options, data, trainer),
        ),
    ):
        for finding in run.saved_data_check().get("findings", ()):
            tracker.about(f"data/{finding['kind']}", finding["sentence"])
        fit_while_readable(
            trainer,
            data.train,
            last_step,
            run=run,
            team=team,
            patience=data.patience,
            interruption=interruption,
            callbacks_of_fit=callbacks_of_fit,
        )
    for doctor_callback in doctors:
        doctor_callback.raise_if_sick()
    return interruption
