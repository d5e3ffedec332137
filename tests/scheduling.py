"""Which tests run in one process of several, and which begin first.

A file's tests share its fixtures, and some files share a server: each such unit runs in one
process. Long ones begin first, so that no process is left alone with one at the end.
"""

import pytest

SHARING = (
    ("tests/service/store/",),
    ("tests/service/ui/",),
    ("tests/service/test_poison.py", "tests/service/test_openapi_fuzz.py"),
)
"""Files whose tests share a server or a database, as beginnings of their paths."""
FIRST = ("browser", "server", "slow")
"""Markers of what takes long, the longest first; all other tests follow."""


def unit_of(nodeid: str) -> str:
    """What runs in one process with a test: its file, or the first of those that share."""
    file = nodeid.partition("::")[0]
    return next((paths[0] for paths in SHARING if file.startswith(paths)), file)


def put_long_first(items: list[pytest.Item]) -> None:
    """Order whole units by the longest marker among their tests; within one, all stay in order."""
    ranks: dict[str, int] = {}
    for item in items:
        unit = unit_of(item.nodeid)
        ranks[unit] = min(ranks.get(unit, len(FIRST)), rank_of(item))
    places = {unit: place for place, unit in enumerate(sorted(ranks, key=lambda one: ranks[one]))}
    items.sort(key=lambda item: places[unit_of(item.nodeid)])


def rank_of(item: pytest.Item) -> int:
    """The place in `FIRST` of its longest marker."""
    found = (rank for rank, name in enumerate(FIRST) if item.get_closest_marker(name))
    return next(found, len(FIRST))


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """For `--dist=loadfile`: whole units instead of files."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Units(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

    return Units(config, log)
