"""Trains an image-to-image translator.

python train.py --dataset=cycle_gan/horse2zebra

The command itself is cyclegan_keras/commands/train.py.
"""

import sys

from cyclegan_commands import train

if __name__ == "__main__":
    sys.exit(train())
