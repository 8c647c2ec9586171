"""Whether to try more: `make test-release` sets THOROUGH, for more random examples and full sizes."""

import os

THOROUGH = bool(os.environ.get("THOROUGH"))
