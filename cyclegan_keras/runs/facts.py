"""What is true of a run though nobody chose it: its pictures and the versions that made it."""

from collections.abc import Mapping

from absl import logging

from cyclegan_keras.runs.run import Run
from cyclegan_keras.runs.versions import versions


def note_facts(run: Run, facts: Mapping[str, object]) -> None:
    """Writes the facts of a run; warns when its pictures are not those that it began with.

    Args:
        run: the run.
        facts: what `pipelines`' data tell of themselves: "domains", and "data" with the name of the
            set and, by folder, count and fingerprint of its pictures.
    """
    now, before = facts["data"], run.saved_facts().get("data", facts["data"])
    if before != now:
        changes = ", ".join(
            f"{folder} had {before[folder]['count']} and now has {found['count']}"
            for folder, found in now.items()
            if folder != "name" and before.get(folder) != found
        )
        logging.warning(
            "The pictures have changed since the run began (%s). It goes on, but it is no longer "
            "what an unbroken run would have been.",
            changes,
        )
    run.save_facts({**facts, "versions": versions()})
