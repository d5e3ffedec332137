"""What the control group lets this process have, by cgroup v2 or v1: cores and memory."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
"""`0::/path` of v2, `4:cpu,cpuacct:/path` of v1, a line each."""
UNLIMITED = 1 << 60
"""Bytes: v1 writes a number nearly as large as it can hold where there is no limit."""


def available_cores(root: Path = ROOT, own: Path = OWN) -> int:
    """Cores this process may use: the CPU affinity, cut by the quotas of its groups."""
    cores = float(len(os.sched_getaffinity(0)))
    for folder in _folders(root, own, "cpu"):
        quota, period = [*_words(folder / "cpu.max"), "", ""][:2]
        if not quota:
            quota = "".join(_words(folder / "cpu.cfs_quota_us"))
            period = "".join(_words(folder / "cpu.cfs_period_us"))
        if quota.isdigit() and period.isdigit() and int(period):  # neither max nor v1's -1
            cores = min(cores, int(quota) / int(period))
    return max(1, math.ceil(cores))


def available_bytes(root: Path = ROOT, own: Path = OWN) -> int:
    """Memory this process may use: the machine's, cut by the limits of its groups."""
    limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for folder in _folders(root, own, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            value = "".join(_words(folder / name))
            if value.isdigit() and 0 < int(value) < UNLIMITED:
                limit = min(limit, int(value))
    return limit


def _folders(root: Path, own: Path, controller: str) -> Iterator[Path]:
    """The process's groups and all above, as far as they are mounted here; v1 and v2."""
    # In a container its own group is often mounted as the root.
    yield root
    for part in (controller, "cpu,cpuacct"):
        yield root / part
    for line in _lines(own):
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" and not names:
            mount = root
        elif controller in names.split(","):
            mount = root / names if (root / names).is_dir() else root / controller
        else:
            continue
        group = mount / path.strip("/")
        while group != mount and group.is_relative_to(mount):
            yield group
            group = group.parent


def _words(file: Path) -> list[str]:
    return [word for line in _lines(file) for word in line.split()]


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:  # there is no such group, or no such controller
        return []
