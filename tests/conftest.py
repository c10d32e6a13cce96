"""Settings of all tests."""

import os

# Several workers share the cores: a second thread in each would only wait for the first.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

# A busy machine is no defect of the code.
settings.register_profile("mosforge", deadline=None)
settings.load_profile("mosforge")
