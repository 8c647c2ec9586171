"""Where the time of a training step goes, kernel by kernel.

python benchmarks/profile_step.py
python benchmarks/profile_step.py --crop_size=256 --remat
python benchmarks/profile_step.py --mixed_precision=bfloat16

One process takes steps of CycleGAN on noise under TensorFlow's profiler. A kernel's time is what
passes on the thread that runs it, its helpers' time not counted, so the sum can exceed the step
where kernels run side by side. Kernels are listed by the type that they compute in, and those
called _Mkl* are oneDNN's. The last line is JSON.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

KINDS = {
    "convolutions": r"(PadWith)?(Fused)?Conv2D(Backprop(Input|Filter)(WithBias)?)?|MatMul",
    "batch norm's kernels": r"(Fused)?BatchNorm.*",
    "padding and patches": r"Pad|PadV2|MirrorPad|MirrorPadGrad|Slice|StridedSlice(Grad)?|GatherV2",
    "casts": r"Cast",
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
    parser.add_argument("--mixed_precision", choices=("float16", "bfloat16"))
    parser.set_defaults(batch_size=1, jit_compile=False)
    arguments = parser.parse_args()
    seconds, kernels = profile(arguments)
    total = sum(taken for taken, _ in kernels.values())
    kinds = collections.Counter()
    for kernel, (taken, _) in kernels.items():
        kinds[kind_of(kernel.name)] += taken
    print(f"{seconds:.3f} s a step, {total:.3f} s in kernels")
    for kind, taken in kinds.most_common():
        print(f"{kind:24}{taken / total:8.1%}")
    print()
    longest = sorted(kernels.items(), key=lambda item: -item[1][0])[: arguments.kernels]
    for kernel, (taken, count) in longest:
        name = f"{kernel.name:40}{kernel.types:22}"
        print(f"{name}{taken / total:8.1%}{taken * 1e3:10.1f} ms{count:8.0f} calls")
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    shares = {kind: round(taken / total, 4) for kind, taken in kinds.items()}
    print(json.dumps({**vars(arguments), "machine": machine, "seconds": seconds, "shares": shares}))


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel of TensorFlow.

    Attributes:
        name: as TensorFlow calls it.
        types: what it computes in, or from which type to which it casts.
    """

    name: str
    types: str


def kind_of(kernel: str) -> str:
    """Returns the kind of a kernel, given its name."""
    kernel = re.sub(r"^_(Fused|MklNative|MklFused|Mkl)+", "", kernel)
    matches = (kind for kind, names in KINDS.items() if re.fullmatch(names, kernel))
    return next(matches, "the rest")


def profile(arguments: argparse.Namespace) -> tuple[float, dict[Kernel, tuple[float, float]]]:
    """Returns the seconds of a step, and by kernel its seconds and calls in a step."""
    import tensorflow as tf
    from contestants.ours import trainer_and_batch

    trainer, data = trainer_and_batch(arguments)
    step = tf.function(trainer.train_step)
    types = types_of_nodes(lambda: step(data))
    step(data)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with tf.profiler.experimental.Profile(folder):
            for _ in range(arguments.steps):
                float(step(data)["generator_loss"])
            seconds = (time.perf_counter() - began) / arguments.steps
        (written,) = pathlib.Path(folder).glob("**/*.xplane.pb")
        return seconds, kernels_of(written.read_bytes(), types, arguments.steps)


def types_of_nodes(step: Callable) -> dict[str, str]:
    """Takes the first step; returns the types of each node of the graph that is really run."""
    import tensorflow as tf
    from tensorflow.python.eager import context

    context.context().enable_run_metadata()
    step()
    graphs = context.context().export_run_metadata().function_graphs
    context.context().disable_run_metadata()
    types = {}
    for node in (node for graph in graphs for part in graph.partition_graphs for node in part.node):
        found = [node.attr[name].type for name in ("T", "SrcT", "DstT", "dtype", "Tparams")]
        types[node.name] = " -> ".join(tf.as_dtype(each).name for each in found if each)
    return types


def kernels_of(
    recorded: bytes, types: dict[str, str], steps: int
) -> dict[Kernel, tuple[float, float]]:
    """Reads what the profiler wrote: kernel -> (seconds, calls) in a step."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    kernels = collections.defaultdict(lambda: (0.0, 0.0))
    for plane in xplane_pb2.XSpace.FromString(recorded).planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                node, _, name = name.partition(":")
                if name and name.isidentifier():  # "path/of/node:Kernel"
                    kernel = Kernel(name, types.get(node, ""))
                    taken, count = kernels[kernel]
                    seconds = event.duration_ps / 1e12 / steps
                    kernels[kernel] = (taken + seconds, count + 1 / steps)
    return dict(kernels)


if __name__ == "__main__":
    main()
