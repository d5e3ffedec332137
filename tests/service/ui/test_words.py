from typing import get_args

import pytest

from graphics.quality import Flag
from service.ui import words


def test_every_flag_of_the_api_has_words_and_advice():
    assert set(words.FLAGS) == set(get_args(Flag))
    assert all(one.meaning.endswith(".") and one.todo.endswith(".") for one in words.FLAGS.values())


def test_a_flag_of_a_newer_service_stands_for_itself():
    assert words.advice("too_dark") == words.Advice("Too dark.", "")


@pytest.mark.parametrize(
    ("azimuth", "side"),
    [
        (0, "the front"), (22, "the front"), (46, "the front and its left side"),
        (90, "its left side"), (-90, "its right side"), (180, "the rear"), (-180, "the rear"),
        (-135, "the rear and its right side"),
    ],
)  # fmt: skip
def test_an_azimuth_sees_a_side_by_the_camera_convention(azimuth, side):
    assert words.side(azimuth) == side


def test_numbers_are_said_by_their_thresholds():
    assert [words.sureness(value) for value in (0.95, 0.6, 0.3)] == [
        "sure",
        "fairly sure",
        "unsure",
    ]
    assert [words.fit(value) for value in (0.9, 0.75, 0.5)] == ["good", "fair", "poor"]
    assert [words.duration(value) for value in (9.4, 75.2)] == ["9 s", "1 min 15 s"]
