"""`python -m mixpeek_lab.cli` is `mixpeek-lab`."""

from __future__ import annotations

import sys

from mixpeek_lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
