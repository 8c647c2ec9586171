"""Measures KID before and after a training, without TensorFlow; the last line is JSON.

KERAS_BACKEND=jax python benchmarks/gpu/kid.py runs/photos photos

Of the translations of the test pictures, in both directions: by the trained generators (their
moving average, where the run keeps one), by the same generators with random weights, and by none,
which is a copy of the input. What other real pictures get is the least that can be expected. The
features are those of EfficientNet-Lite0, so the numbers are those of `evaluate.py`, and no
Inception KIDs.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

BATCH = 8  # pictures at a time; one size of batches is compiled once


def main() -> None:
    """Measures both directions of a run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", help="a run of train.py")
    parser.add_argument("pictures", help="its folder, with trainA, trainB, testA and testB")
    parser.add_argument("--weights", help="of EfficientNet-Lite0, in safetensors")
    parser.add_argument("--most", type=int, default=192, help="pictures of each kind")
    arguments = parser.parse_args()

    from cyclegan_keras.evaluation.features import open_features
    from cyclegan_keras.metrics.base import Evidence
    from cyclegan_keras.metrics.features import efficientnet_lite0_features
    from cyclegan_keras.metrics.kid import kid_measures
    from cyclegan_keras.models.table import build_generator
    from cyclegan_keras.runs.networks import network_options, networks_of_run
    from cyclegan_keras.runs.run import Run
    from cyclegan_keras.weights.safetensors_file import read_safetensors
    from pipelines.sources import datasets

    trained = networks_of_run(arguments.run, averages=True)
    saved = Run(pathlib.Path(arguments.run)).saved_options()
    options = network_options(saved)
    if arguments.weights:
        network = efficientnet_lite0_features(read_safetensors(arguments.weights))
    else:
        network = open_features("efficientnet_lite0")
    network.batch_size = BATCH
    source = datasets.find(arguments.pictures)
    train = {"A": source.train_a, "B": source.train_b}
    test = {"A": source.test_a, "B": source.test_b}
    result = {"step": trained.step}
    for role, start, end in (("generator_g", "A", "B"), ("generator_f", "B", "A")):
        inputs = some(test[start], arguments.most)
        untrained = build_generator(options, role)
        evidence = Evidence(
            inputs=inputs,
            translated=translations(trained.networks[role], inputs),
            real=some(test[end], arguments.most),
            other_real=some(train[end], arguments.most),
            network=network,
        )
        (after,) = kid_measures(evidence)
        (before,) = kid_measures(evidence.replace(translated=translations(untrained, inputs)))
        result[f"{start} to {end}"] = {
            "trained": after.value,
            "stderr": after.stderr,
            "untrained": before.value,
            "copied": after.copy_score,
            "real": after.real_score,
            "n": after.n,
            "protocol": after.protocol,
        }
    print(json.dumps(result))


def some(pictures, most: int) -> list:
    """Returns the first pictures, each uint8 (height, width, 3)."""
    return [pictures[index] for index in range(min(most, len(pictures)))]


def translations(generator, pictures: list) -> list:
    """Returns what a generator makes of pictures of one size, as users would see it."""
    import numpy as np

    from cyclegan_keras.images.pixels import to_float, to_uint8

    found = generator.predict(to_float(np.stack(pictures)), batch_size=BATCH, verbose=0)
    return list(to_uint8(found))


if __name__ == "__main__":
    main()
