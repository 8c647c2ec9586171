"""Where the time of a training step goes, kernel by kernel.

python benchmarks/profile_step.py
python benchmarks/profile_step.py --crop_size=256 --remat

One process takes steps of CycleGAN on noise under TensorFlow's profiler. A kernel's time is what
passes on the thread that runs it, its helpers' time not counted, so the sum can exceed the step
where kernels run side by side. The last line is JSON.
"""

import argparse
import collections
import json
import os
import pathlib
import platform
import re
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

KINDS = {
    "convolutions": r"(Fused)?Conv2D(Backprop(Input|Filter)(WithBias)?)?|MatMul",
    "padding": r"Pad|PadV2|MirrorPad|MirrorPadGrad|Slice|StridedSlice(Grad)?",
    "sums and means": r"Mean|Sum|BiasAddGrad",
    "optimizer and averages": r".*Assign.*|Sqrt|ResourceApply.*",
    "element by element": r"Mul|Sub|Add(V2|N)?|Square|Rsqrt(Grad)?|(Leaky)?Relu(Grad)?|Neg|RealDiv|"
    r"Maximum|Tanh(Grad)?|Abs|Sign|Sigmoid|BiasAdd|Pow|Select(V2)?|Tile|BroadcastTo|Fill|"
    r"SquaredDifference",
}


def main() -> None:
    """Profiles some steps and prints tables by kind and by kernel."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crop_size", type=int, default=128)
    parser.add_argument("--generator", default="resnet_9blocks")
    parser.add_argument("--ngf", type=int, default=64, help="of both kinds of networks")
    parser.add_argument("--steps", type=int, default=3, help="after two that are not counted")
    parser.add_argument("--remat", action="store_true")
    parser.add_argument("--kernels", type=int, default=15, help="rows of the second table")
    parser.set_defaults(batch_size=1, mixed_precision=None, jit_compile=False)
    arguments = parser.parse_args()
    seconds, kernels = profile(arguments)
    total = sum(taken for taken, _ in kernels.values())
    kinds = collections.Counter()
    for name, (taken, _) in kernels.items():
        kinds[kind_of(name)] += taken
    print(f"{seconds:.3f} s a step, {total:.3f} s in kernels")
    for kind, taken in kinds.most_common():
        print(f"{kind:24}{taken / total:8.1%}")
    print()
    longest = sorted(kernels.items(), key=lambda item: -item[1][0])[: arguments.kernels]
    for name, (taken, count) in longest:
        print(f"{name:32}{taken / total:8.1%}{taken * 1e3:10.1f} ms{count:8.0f} calls")
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    shares = {kind: round(taken / total, 4) for kind, taken in kinds.items()}
    print(json.dumps({**vars(arguments), "machine": machine, "seconds": seconds, "shares": shares}))


def kind_of(kernel: str) -> str:
    """Returns the kind of a kernel of TensorFlow."""
    kernel = re.sub(r"^_(Fused|MklNative|MklFused|Mkl)+", "", kernel)
    matches = (kind for kind, names in KINDS.items() if re.fullmatch(names, kernel))
    return next(matches, "the rest")


def profile(arguments: argparse.Namespace) -> tuple[float, dict[str, tuple[float, float]]]:
    """Returns the seconds of a step, and by kernel its seconds and calls in a step."""
    import tensorflow as tf
    from contestants.ours import trainer_and_batch

    trainer, data = trainer_and_batch(arguments)
    step = tf.function(trainer.train_step)
    for _ in range(2):
        step(data)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with tf.profiler.experimental.Profile(folder):
            for _ in range(arguments.steps):
                float(step(data)["generator_loss"])
            seconds = (time.perf_counter() - began) / arguments.steps
        (written,) = pathlib.Path(folder).glob("**/*.xplane.pb")
        return seconds, kernels_of(written.read_bytes(), arguments.steps)


def kernels_of(recorded: bytes, steps: int) -> dict[str, tuple[float, float]]:
    """Reads what the profiler wrote: kernel -> (seconds, calls) in a step."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    kernels = collections.defaultdict(lambda: (0.0, 0.0))
    for plane in xplane_pb2.XSpace.FromString(recorded).planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                _, _, kernel = name.partition(":")
                if kernel and kernel.isidentifier():  # "path/of/node:Kernel"
                    taken, count = kernels[kernel]
                    seconds = event.duration_ps / 1e12 / steps
                    kernels[kernel] = (taken + seconds, count + 1 / steps)
    return dict(kernels)


if __name__ == "__main__":
    main()
