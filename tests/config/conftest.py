"""What the tests of the configuration share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages, and share changes.py
