"""Looks at the pictures of a data set before anything is trained on them.

python check_data.py --dataset=photos --report=data.html

The command itself is cyclegan_keras/commands/check_data.py.
"""

import sys

from cyclegan_commands import check_data

if __name__ == "__main__":
    sys.exit(check_data())
