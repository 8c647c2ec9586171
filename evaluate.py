"""Measures how good a model is.

python evaluate.py --model=runs/<name> --report=report.html

The command itself is cyclegan_keras/commands/evaluate.py.
"""

import sys

from cyclegan_commands import evaluate

if __name__ == "__main__":
    sys.exit(evaluate())
