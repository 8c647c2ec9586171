"""Arrays recorded from the reference implementation; tests/golden/README.md describes them."""

import pathlib

import numpy as np

from cyclegan_keras.weights import layouts

# Our network -> the reference's; its D_A judges domain B.
CYCLEGAN_NETWORKS = {
    "generator_g": "G_A",
    "generator_f": "G_B",
    "discriminator_x": "D_B",
    "discriminator_y": "D_A",
}
FOLDER = pathlib.Path(__file__).resolve().parent / "golden"


def load_golden(name):
    """Returns the recorded arrays `name` as a mapping."""
    return np.load(FOLDER / name, allow_pickle=False)


def nhwc(images):
    """NCHW -> NHWC."""
    return np.moveaxis(images, -3, -1)


def torch_variables(model):
    """Returns the variables of `model` by their key in the reference's state dict."""
    variables = {variable.path: variable for variable in model.variables}
    entries = layouts.LAYOUTS[type(model)](model.get_config())
    return {entry.key: variables[entry.variable] for entry in entries if entry.variable}


def load_torch_weights(model, npz, prefix):
    """Assigns the recorded state dict under `prefix`, e.g. "init/G_A/", to `model`."""
    variables = torch_variables(model)
    assert {prefix + key for key in variables} == {k for k in npz.files if k.startswith(prefix)}
    for key, variable in variables.items():
        variable.assign(layouts.to_keras(npz[prefix + key]))


def reference_losses(logs, golden):
    """Our unweighted terms in the reference's names and weights."""
    weight = float(golden["lambda_A"])
    identity = weight * float(golden["lambda_identity"])
    losses = {
        "D_A": logs["d_y"],
        "D_B": logs["d_x"],
        "G_A": logs["g_adversarial"],
        "G_B": logs["f_adversarial"],
        "cycle_A": weight * logs["cycle_x"],
        "cycle_B": weight * logs["cycle_y"],
        "idt_A": identity * logs.get("identity_y", 0.0),
        "idt_B": identity * logs.get("identity_x", 0.0),
    }
    return [float(losses[name]) for name in golden["loss_names"]]
