"""Compares a generator that others have trained, read here, with PyTorch's evaluation of it.

    pip install --no-deps --target=/tmp/vintagify vintagify==0.1.2 && pip install torch==2.13.0
    python benchmarks/compare_torch.py --folder=/tmp/vintagify --pictures=horses/*.jpg

It needs PyTorch, on which this project does not depend, and prints a sentence and a line of JSON.
"""

import argparse
import glob
import json
import os
import pathlib
import platform
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded

import keras
import numpy as np
import tensorflow as tf
import torch
from PIL import Image

from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.weights.networks import load_network


def main() -> None:
    """Translates the pictures by both and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, help="where vintagify is installed")
    parser.add_argument("--pictures", required=True, help="pattern of picture files")
    parser.add_argument("--size", type=int, default=256, help="pictures are resized to it")
    options = parser.parse_args()
    package = pathlib.Path(options.folder) / "vintagify"
    weights = package / "resources" / "G_A2B_epoch33.pth"
    sys.path.insert(0, str(package))
    from generator import ResnetGenerator  # vintagify's own

    theirs = ResnetGenerator().eval()
    theirs.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    ours = load_network(weights)
    differences = []
    for path in sorted(glob.glob(options.pictures)):
        picture = Image.open(path).convert("RGB").resize((options.size, options.size))
        x = to_float(np.asarray(picture)[None])
        with torch.no_grad():
            expected = theirs(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).numpy()
        differences.append(np.abs(np.array(ours(x)) - np.moveaxis(expected, 1, -1)))
    if not differences:
        sys.exit(f"No picture matches {options.pictures}.")
    result = {
        "pictures": len(differences),
        "size": options.size,
        "largest_difference": float(np.max(differences)),
        "mean_difference": float(np.mean(differences)),
        "torch": torch.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "machine": platform.machine(),
    }
    print("largest {largest_difference:.2g}, mean {mean_difference:.2g}".format(**result))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
