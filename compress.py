"""Makes the generators of a model smaller, for a budget of kilobytes, milliseconds or MACs.

python compress.py --model=runs/demo --target_macs=2e7

The command itself is cyclegan_keras/commands/compress.py.
"""

import sys

from cyclegan_commands import compress

if __name__ == "__main__":
    sys.exit(compress())
