"""A bridge for other programs' weights, read without those programs and without running anything.

python -m cyclegan_keras.checkpoints import latest_net_G_A.pth --output=generator_g.keras
python -m cyclegan_keras.checkpoints export-pth generator_g.keras --output=latest_net_G_A.pth
"""

from cyclegan_keras.checkpoints.errors import CheckpointError
from cyclegan_keras.checkpoints.keras_example import KerasExampleGenerator, read_keras_example
from cyclegan_keras.checkpoints.networks import (
    as_in_training,
    describe,
    load_network,
    load_networks,
    save_pth,
)
from cyclegan_keras.checkpoints.starting import (
    network_options,
    networks_of_run,
    starting_networks,
)
from cyclegan_keras.checkpoints.torch_file import read_state_dicts
from cyclegan_keras.checkpoints.torch_networks import from_state_dict, to_state_dict
from cyclegan_keras.checkpoints.torch_writer import write_state_dict

__all__ = [
    "CheckpointError",
    "KerasExampleGenerator",
    "as_in_training",
    "describe",
    "from_state_dict",
    "load_network",
    "load_networks",
    "network_options",
    "networks_of_run",
    "read_keras_example",
    "read_state_dicts",
    "save_pth",
    "starting_networks",
    "to_state_dict",
    "write_state_dict",
]
