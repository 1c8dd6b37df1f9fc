"""The notebooks run in a home folder that is new each time, without a network."""

from __future__ import annotations

import os
import tempfile

os.environ["MIXPEEK_LAB_HOME"] = tempfile.mkdtemp(prefix="mixpeek-lab-notebooks-")
os.environ["MIXPEEK_LAB_AUTHOR"] = "you"
os.environ.setdefault("HF_HUB_OFFLINE", "1")
