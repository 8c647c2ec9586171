"""Translates pictures and videos.

python translate.py --model=runs/<name> --input=photos --output=translated

The command itself is cyclegan_keras/commands/translate.py.
"""

import sys

from cyclegan_commands import translate

if __name__ == "__main__":
    sys.exit(translate())
