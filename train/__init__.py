"""Makes a bundle: the cycle of GAN and inverse graphics, in PyTorch."""

import os

from graphics import usage_data

usage_data.switch_off()
# Read when OpenMP starts, so before torch is imported: PyTorch's threads and numba's take turns,
# and threads that spin while they wait for their next turn cost several times the time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
