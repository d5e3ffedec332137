"""Against a real server: some seconds at twice what it can do."""

import pytest

from tests.benchmarks.soak import MOST_GROWTH, soak
from tests.service.requests import jpeg
from tests.service.watched import watched

pytestmark = pytest.mark.server

SECONDS = 9
DEADLINE = 10


def test_at_twice_capacity_nothing_is_lost_and_nothing_grows(bundle_folder, tmp_path):
    # Few, so that what is kept on purpose is soon full.
    settings = {"deadline_seconds": DEADLINE, "queue_limit": 64, "kept_reconstructions": 100}
    with watched(tmp_path / "home", bundle_folder, **settings) as server:
        found = soak(server, jpeg(), SECONDS, measuring=2.0)
    assert set(found.answers) == {200, 429}
    assert found.answers.total() == found.sent > SECONDS
    assert found.percentile(99) < DEADLINE
    assert found.growth() < MOST_GROWTH
    # Overload does not eat the work: what is accepted is still near what the service can do.
    assert found.answers[200] > 0.4 * found.capacity * SECONDS
