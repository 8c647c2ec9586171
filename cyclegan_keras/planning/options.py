"""The planner's options."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Whether to plan instead of training.

    Raises:
        ValueError: a limit without a plan.
    """

    plan: bool = option(
        False,
        "Train nothing: measure some small steps on this device, a minute or two, and print the "
        "time and memory of the training, and of what would take less. Exit code 0 where it "
        "fits, 1 where not.",
        saved=False,
    )
    max_memory_gb: float | None = option(
        None,
        "With --plan: the memory (10^9 bytes) that the training may take; on a GPU of the GPU, "
        "else of this process. All that there is unless given.",
        low=0.01,
        saved=False,
    )

    def __post_init__(self):
        if self.max_memory_gb is not None and not self.plan:
            raise ValueError(
                f"--max_memory_gb={self.max_memory_gb:g} is a limit for --plan, and does not bound "
                "a training: add --plan, or leave it out."
            )
