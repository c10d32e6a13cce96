"""`python -m mosforge`, which torchrun can start: `torchrun --nproc-per-node 4 -m mosforge ...`."""

import sys

from mosforge.cli import main

sys.exit(main())
