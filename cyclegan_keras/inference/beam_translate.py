"""`python -m cyclegan_keras.inference.beam_translate`, the former name of `cyclegan-beam`."""

import sys

from cyclegan_keras.beam.translate import main

if __name__ == "__main__":
    sys.exit(main(sys.argv))
