"""Exports generators to SavedModel, TFLite and ONNX.

python export.py --run_dir=runs/<name>

The command itself is cyclegan_keras/commands/export.py.
"""

import sys

from cyclegan_commands import export

if __name__ == "__main__":
    sys.exit(export())
