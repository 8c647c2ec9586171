"""How large the networks of gpu.sh are, and how long its parts usually take."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured, and for how long.

    Seconds of parts are what they usually take: each may take more as long as the rest still fits.

    Attributes:
        crop_size: height and width in pixels of the pictures in steps that are timed.
        batch_sizes: of these steps, the most telling ones first.
        ngf: width of generators and discriminators.
        generator: as in train.py.
        blocks: its residual blocks.
        matrix: rows and columns of the matrices whose product gives the ceiling.
        cpu: whether it is a rehearsal, on a CPU.
        compile_backend: of torch.compile.
        turns: that each step gets.
        turn_seconds: of one turn.
        compile_seconds: for the compilation of all steps.
        train_size: height and width in pixels of the pictures in the training.
        train_batch: pictures of each domain in its batches.
        train_start_seconds: until its first row of metrics.
        train_seconds: from then on, if there is time.
        train_least_seconds: that are kept for it while steps are timed.
        train_end_seconds: until it has ended.
        kid_seconds: for KID.
        kid_most: pictures of each kind in KID.
        log_every: steps between two rows of metrics.
    """

    crop_size: int
    batch_sizes: tuple[int, ...]
    ngf: int
    generator: str
    blocks: int
    matrix: int
    cpu: bool
    compile_backend: str
    turns: int
    turn_seconds: float
    compile_seconds: float
    train_size: int
    train_batch: int
    train_start_seconds: float
    train_seconds: float
    train_least_seconds: float
    train_end_seconds: float
    kid_seconds: float
    kid_most: int
    log_every: int


FULL = Settings(
    crop_size=256,
    batch_sizes=(1, 16, 4),
    ngf=64,
    generator="resnet_9blocks",
    blocks=9,
    matrix=8192,
    cpu=False,
    compile_backend="inductor",
    turns=5,
    turn_seconds=0.2,
    compile_seconds=100,
    train_size=128,
    train_batch=4,
    train_start_seconds=40,
    train_seconds=240,
    train_least_seconds=200,
    train_end_seconds=15,
    kid_seconds=35,
    kid_most=192,
    log_every=50,
)
REHEARSAL = Settings(
    crop_size=32,
    batch_sizes=(1,),
    ngf=4,
    generator="resnet_6blocks",
    blocks=6,
    matrix=128,
    cpu=True,
    compile_backend="aot_eager",
    turns=2,
    turn_seconds=0.02,
    compile_seconds=150,
    train_size=32,
    train_batch=2,
    train_start_seconds=120,
    train_seconds=20,
    train_least_seconds=20,
    train_end_seconds=60,
    kid_seconds=60,
    kid_most=8,
    log_every=5,
)
