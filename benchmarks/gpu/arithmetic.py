"""What a training step has to compute, and what a card can at most: the arithmetic of MFU.

MFU, model FLOP/s utilization, is the work of a step divided by its time and by a rate of the card.
The work is that of the algorithm, whoever computes it: multiplications and additions of all
convolutions, each counted once, also where `--remat` or padding computes more.
"""

import dataclasses

# What makers publish, in TFLOP/s without sparsity: of a matrix product in bfloat16 with sums in
# float32, and in TensorFloat-32. The first name that is part of the card's name counts, in lower
# case; None where the card has no such unit.
PUBLISHED_TFLOPS = (
    ("gb200", 2450.0, 1225.0),
    ("b200", 2250.0, 1125.0),
    ("gh200", 989.4, 494.7),
    ("h200 nvl", 835.5, 417.7),
    ("h200", 989.4, 494.7),
    ("h100 nvl", 835.5, 417.7),
    ("h100 pcie", 756.0, 378.0),
    ("h100", 989.4, 494.7),
    ("h800", 989.4, 494.7),
    ("h20", 148.0, 74.0),
    ("a100", 312.0, 156.0),
    ("a800", 312.0, 156.0),
    ("l40s", 362.0, 183.0),
    ("l40", 181.0, 90.5),
    ("l4", 121.0, 60.0),
    ("a10g", 70.0, 35.0),
    ("a10", 125.0, 62.5),
    ("rtx 4090", 165.2, 82.6),
    ("rtx 3090", 71.0, 35.6),
    ("t4", None, None),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utilization:
    """How much of a card a step uses.

    Attributes:
        of_measured: share of the rate of a large matrix product, measured in the same run.
        of_published: share of the rate that the maker publishes; None where it is not known here.
    """

    of_measured: float
    of_published: float | None


def step_work(*, crop_size: int, batch_size: int, ngf: int, blocks: int) -> float:
    """Returns the floating-point operations of one CycleGAN step with the identity terms.

    A convolution costs the same forward, for the gradient of its kernel and for that of its input.
    The first one of a network needs no gradient of its input where that is a real picture, or a
    fake that is taken as it is.

    Args:
        crop_size: height and width of the pictures in pixels, a multiple of 4.
        batch_size: pictures of each domain.
        ngf: width of generators and discriminators.
        blocks: residual blocks of a ResNet generator.
    """
    generator, generator_first = generator_work(crop_size, ngf, blocks)
    judge, judge_first = discriminator_work(crop_size, ngf)
    fakes_and_identities = 4 * (3 * generator - generator_first)
    cycles = 2 * 3 * generator
    judged_for_generators = 2 * 2 * judge  # no gradient of the discriminators' kernels
    judged_for_discriminators = 4 * (3 * judge - judge_first)
    return batch_size * (
        fakes_and_identities + cycles + judged_for_generators + judged_for_discriminators
    )


def generator_work(side: int, ngf: int, blocks: int) -> tuple[float, float]:
    """Returns the work of a ResNet generator for one picture, and that of its first convolution."""
    first = 2 * 7 * 7 * 3 * ngf * side**2
    down = 2 * 3 * 3 * ngf * (2 * ngf) * (side // 2) ** 2
    down_again = 2 * 3 * 3 * (2 * ngf) * (4 * ngf) * (side // 4) ** 2
    block = 2 * 2 * 3 * 3 * (4 * ngf) ** 2 * (side // 4) ** 2
    # A transposed convolution does at each pixel that comes in what its counterpart does at each
    # that goes out.
    up, up_again, last = down_again, down, first
    return first + down + down_again + blocks * block + up + up_again + last, first


def discriminator_work(side: int, ndf: int) -> tuple[float, float]:
    """Returns the work of a 70x70 PatchGAN for one picture, and that of its first convolution."""
    first = 2 * 4 * 4 * 3 * ndf * (side // 2) ** 2
    second = 2 * 4 * 4 * ndf * (2 * ndf) * (side // 4) ** 2
    third = 2 * 4 * 4 * (2 * ndf) * (4 * ndf) * (side // 8) ** 2
    fourth = 2 * 4 * 4 * (4 * ndf) * (8 * ndf) * (side // 8 - 1) ** 2
    last = 2 * 4 * 4 * (8 * ndf) * 1 * (side // 8 - 2) ** 2
    return first + second + third + fourth + last, first


def published_tflops(card: str, number_type: str) -> float | None:
    """Returns the published rate of a card in TFLOP/s, or None where it is not known here.

    Args:
        card: its name, as the driver gives it.
        number_type: "float32", which stands for TensorFloat-32 here, or "bfloat16".
    """
    for name, bfloat16, tensor_float32 in PUBLISHED_TFLOPS:
        if name in card.lower().replace("-", " ").split("(")[0]:
            return bfloat16 if number_type == "bfloat16" else tensor_float32
    return None


def utilization(
    *, work: float, seconds: float, measured_tflops: float, published: float | None
) -> Utilization:
    """Returns which share of the card's rates a step reaches.

    Args:
        work: floating-point operations of the step.
        seconds: that it takes.
        measured_tflops: of a matrix product in the same run.
        published: by the maker, in TFLOP/s, or None.
    """
    tflops = work / seconds / 1e12
    return Utilization(
        of_measured=tflops / measured_tflops,
        of_published=None if published is None else tflops / published,
    )
