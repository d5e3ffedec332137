"""Compiles the loops that draw procedural vehicles, which many tests do, before they start.

    python -m tests.compiling

numba keeps compiled code beside the source. Processes of tests that start together in a fresh clone
would each compile the same, for a minute.
"""

import numpy as np

from train.data import road_vehicles, vehicles

SIZE = 32

if __name__ == "__main__":
    for family in (vehicles, road_vehicles):
        family.photographs(0, np.arange(1), SIZE)
