"""Whether to try more: `make test-release` sets THOROUGH, for more examples and full sizes."""

import os

THOROUGH = bool(os.environ.get("THOROUGH"))
