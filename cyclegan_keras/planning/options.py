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
        "Do not train: measure a few small steps on this device, which takes a minute or two, "
        "and print the time and memory that the training would take, and which options would "
        "take less. The exit code is 0 if the training fits, 1 if not.",
        saved=False,
    )
    max_memory_gb: float | None = option(
        None,
        "With --plan: memory that the training may take, in GB (10^9 bytes); that of the GPU, or "
        "of this process where there is no GPU. By default, all that is available.",
        low=0.01,
        saved=False,
    )

    def __post_init__(self):
        if self.max_memory_gb is not None and not self.plan:
            raise ValueError(
                f"--max_memory_gb={self.max_memory_gb:g} is a limit for --plan, and does not bound "
                "a training: add --plan, or leave it out."
            )
