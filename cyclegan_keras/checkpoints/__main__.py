"""`python -m cyclegan_keras.checkpoints`, the former name of `cyclegan-weights`."""

import sys

from cyclegan_keras.commands.weights import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
