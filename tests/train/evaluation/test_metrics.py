import numpy as np
import pytest

from train.evaluation.metrics import Metric, bootstrap, estimates, summarise


def test_statistics_by_hand() -> None:
    values = np.array([[0.0, 10, 30, 100], [40, 50, 60, 70]])
    assert summarise(values, "mean").tolist() == [35, 55]
    assert summarise(values, "median").tolist() == [20, 55]
    assert summarise(values, "within30").tolist() == [0.75, 0]
    with pytest.raises(ValueError, match="'mode'"):
        summarise(values, "mode")


def test_the_interval_is_the_standard_error_where_theory_knows_it() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    estimate = bootstrap(values, "mean")
    assert estimate.value == pytest.approx(values.mean())
    expected = 1.96 * values.std() / 20
    assert estimate.high - estimate.value == pytest.approx(expected, rel=0.1)
    assert estimate.value - estimate.low == pytest.approx(expected, rel=0.1)
    assert bootstrap(values, "mean") == estimate


def test_objects_that_agree_leave_no_interval() -> None:
    assert bootstrap(np.full(9, 3.0), "median") == (3, 3, 3)


def test_a_metric_takes_its_own_score_or_the_named_one() -> None:
    metrics = {
        "error": Metric("", score="degrees", statistic="median"), "iou": Metric(""),
        "unknown": Metric(""),
    }  # fmt: skip
    scores = {"degrees": np.array([1.0, 2, 9]), "iou": np.array([0.5]), "unknown": np.zeros(0)}
    found = estimates(scores, metrics)
    assert list(found) == ["error", "iou"]
    assert found["error"].value == 2 and found["iou"].value == 0.5
