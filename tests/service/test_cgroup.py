import os

import pytest

from service.cgroup import available_bytes, available_cores

MIB = 1 << 20


def tree(tmp_path, own, files):
    """Control groups as they are mounted, and the file that says which is one's own."""
    for name, content in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "own").write_text(own)
    return tmp_path / "cgroup", tmp_path / "own"


@pytest.fixture(autouse=True)
def sixteen_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))


V1_OWN = "4:cpu,cpuacct:/docker/ab\n5:memory:/docker/ab\n"


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 16),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3),
        ("", {"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ("", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 16),
        (
            V1_OWN,
            {
                "cpu,cpuacct/docker/ab/cpu.cfs_quota_us": "450000",
                "cpu,cpuacct/docker/ab/cpu.cfs_period_us": "100000",
            },
            5,
        ),
        ("", {"cpu.max": "nonsense"}, 16),
        ("", {}, 16),
    ],
)
def test_cores_are_cut_by_the_quota_of_either_version(tmp_path, own, files, cores):
    assert available_cores(*tree(tmp_path, own, files)) == cores


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/\n", {"memory.max": f"{2048 * MIB}\n"}, 2048 * MIB),
        ("0::/\n", {"memory.max": "max\n"}, None),
        ("0::/a/b\n", {"a/memory.max": f"{512 * MIB}", "a/b/memory.max": "max"}, 512 * MIB),
        ("", {"memory/memory.limit_in_bytes": f"{256 * MIB}\n"}, 256 * MIB),
        ("", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        (V1_OWN, {"memory/docker/ab/memory.limit_in_bytes": f"{64 * MIB}"}, 64 * MIB),
        ("", {}, None),
    ],
)
def test_memory_is_cut_by_the_limit_of_either_version(tmp_path, own, files, limit):
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert available_bytes(*tree(tmp_path, own, files)) == (limit or machine)
