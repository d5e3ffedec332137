import json

import numpy as np
import pytest

from train.metrics.view_content_grid import measure_grid

VIEWS, CONTENTS = 12, 8


def values(random: np.random.Generator) -> dict[str, np.ndarray]:
    """The kind follows the view, the roof the content, the length nobody."""
    view, content = np.indices((VIEWS, CONTENTS))
    return {
        "body_kind": np.eye(VIEWS)[view.ravel()],
        "roof_height": content.reshape(-1, 1).astype(float),
        "length": random.standard_normal((VIEWS * CONTENTS, 1)),
        "paint": random.random((VIEWS * CONTENTS, 3)),
    }


def test_both_measures_come_from_one_grid():
    random = np.random.default_rng(0)
    asked = np.arange(VIEWS) * 30.0
    read = np.repeat(asked, CONTENTS) + random.normal(0, 3, VIEWS * CONTENTS)
    measured = measure_grid(read, values(random), VIEWS, asked)
    assert measured.obeyed.median_degrees < 4 and measured.obeyed.beyond_30 == 0
    assert measured.viewpoint.stds.shape == (VIEWS,)
    assert measured.shares["body_kind"] == pytest.approx((1, 0), abs=1e-6)
    assert measured.shares["roof_height"] == pytest.approx((0, 1), abs=1e-6)
    assert max(measured.shares["length"]) < 0.3
    facts = json.loads(json.dumps(measured.facts()))
    assert facts["variance_shares_view_content"]["body_kind"] == [1.0, 0.0]
    assert facts["azimuth_asked_read_beyond_90"] == 0
    assert "roof_height 0.00/1.00" in measured.line() and "asked vs read" in measured.line()


def test_nothing_is_obeyed_where_nothing_was_asked():
    random = np.random.default_rng(1)
    measured = measure_grid(np.zeros(VIEWS * CONTENTS), values(random), VIEWS)
    assert measured.obeyed is None
    assert "azimuth_asked_read_median_degrees" not in measured.facts()
    assert "asked" not in measured.line()
