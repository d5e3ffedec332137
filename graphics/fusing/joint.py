"""The photographs of one object, judged together: which show the other end than was read, and which
are no photographs of it.

A network that doubts says so, with the other azimuth and its probability (`graphics.azimuth`). The
azimuths of all photographs are chosen together: the likeliest combination by these probabilities
and by how alike the photographs then are, outlines and colours, two by two.
"""

from collections.abc import Sequence
from itertools import product
from typing import Literal, NamedTuple, get_args

import numpy as np

from graphics.azimuth import Hypothesis, alternatives
from graphics.camera import AZIMUTH, wrap_degrees
from graphics.fusing.likeness import Comparison, Likeness, Shown
from graphics.fusing.readings import Reading

Reason = Literal["no_object", "duplicate", "disagrees"]
REASONS: dict[Reason, str] = {
    "no_object": "nothing was found in it",
    "duplicate": "it is the same picture as another one of the object",
    "disagrees": "its outline and colours are not those of the object in the others: it may show "
    "another one",
}
"""Why a photograph is left out, in words."""
assert set(REASONS) == set(get_args(Reason))

ANCHORS = 4
"""The surest photographs, to which all are compared: the time grows with the number of photographs,
not with its square."""
MOST_OTHERS = 2
"""Other azimuths of a photograph that are tried, the most probable ones."""
SAME_PICTURE = 4.0
"""Mean difference, of 255, of two pictures of which one is a copy, saved again."""
TURN_IOU, TURN_COLOURS = 25.0, 65.0
"""By how much the logarithm of the odds of an azimuth grows with the IoU, and falls with the
difference of colours: from 640 pairs of photographs of procedural vehicles."""
ALIKE, ALIKE_IOU, ALIKE_COLOURS = -17.3, 26.5, 24.0
"""Logarithm of the odds that two photographs show one object: constant, by IoU, by colours."""
UNKNOWN_COLOURS = 0.09
"""Stands for a difference of colours where two photographs show nothing in common."""


class Verdict(NamedTuple):
    """What is said of one photograph."""

    turn_degrees: float
    """By which its camera is turned; 0: it was read rightly."""
    reason: Reason | None
    """Why it is left out; None: it is used."""


def judge(readings: Sequence[Reading], comparison: Comparison) -> list[Verdict]:
    """A verdict for each of an object's photographs; one at least is used if one shows anything."""
    reasons = _unusable(readings)
    usable = [number for number, reason in enumerate(reasons) if reason is None]
    turns = [0.0] * len(readings)
    if len(usable) > 1:
        pairs = _Pairs(readings, comparison)
        anchors = sorted(usable, key=lambda number: -readings[number].confidence)[:ANCHORS]
        _settle(anchors, anchors, pairs, turns)
        for number in usable:
            if number not in anchors:
                _settle([number], anchors, pairs, turns)
        for number in _strangers(usable, anchors, pairs, turns):
            reasons[number] = "disagrees"
    return [Verdict(*each) for each in zip(turns, reasons, strict=True)]


def _unusable(readings: Sequence[Reading]) -> list[Reason | None]:
    """What is no photograph of anything, or one that came before."""
    reasons: list[Reason | None] = []
    for number, reading in enumerate(readings):
        if not (reading.mask > 0.5).any():
            reasons.append("no_object")
            continue
        earlier = (readings[i] for i in range(number) if reasons[i] is None)
        copies = any(_difference(reading, other) < SAME_PICTURE for other in earlier)
        reasons.append("duplicate" if copies else None)
    return reasons


def _difference(first: Reading, second: Reading) -> float:
    return float(np.abs(first.pixels.astype(np.int16) - second.pixels).mean())


class _Pairs:
    """How alike two photographs are for the turns of their cameras; looked up once."""

    def __init__(self, readings: Sequence[Reading], comparison: Comparison) -> None:
        self.readings, self._compare = readings, comparison
        self._own: dict[int, Shown] = {}
        self._known: dict[tuple[int, int, float], Likeness] = {}

    def both(
        self, first: int, second: int, first_turn: float, second_turn: float
    ) -> tuple[float, float]:
        """IoU and difference of colours, the mean of either in the other's shape."""
        degrees = second_turn - first_turn
        there, back = self._one(first, second, degrees), self._one(second, first, -degrees)
        known = [each.colours for each in (there, back) if each.colours is not None]
        colours = float(np.mean(known)) if known else UNKNOWN_COLOURS
        return (there.iou + back.iou) / 2, colours

    def _one(self, first: int, second: int, degrees: float) -> Likeness:
        key = first, second, round(float(wrap_degrees(degrees)), 1)
        if key not in self._known:
            if first not in self._own:
                self._own[first] = self._compare.own(self.readings[first])
            one, other = self.readings[first], self.readings[second]
            self._known[key] = self._compare(one, other, self._own[first], degrees)
        return self._known[key]


def _hypotheses(reading: Reading) -> list[Hypothesis]:
    """Turns of a camera and their probabilities; the first is none."""
    azimuth = float(reading.camera[AZIMUTH])
    others = alternatives(reading.azimuth_probabilities, azimuth)
    turns = [
        Hypothesis(float(wrap_degrees(each.azimuth_degrees - azimuth)), each.probability)
        for each in others[:MOST_OTHERS]
    ]
    left = 1 - sum(each.probability for each in turns)
    return [Hypothesis(0.0, max(reading.confidence, left, 1e-3)), *turns]


def _settle(
    numbers: Sequence[int], anchors: Sequence[int], pairs: _Pairs, turns: list[float]
) -> None:
    """Choose the turns of some photographs together, into `turns`; other anchors stay."""
    every = {number: _hypotheses(pairs.readings[number]) for number in numbers}
    if all(len(found) == 1 for found in every.values()):
        return
    best, chosen = -np.inf, tuple(found[0] for found in every.values())
    for combination in product(*every.values()):
        given = dict(zip(numbers, combination, strict=True))
        score = sum(float(np.log(each.probability)) for each in combination)
        for one, hypothesis in given.items():
            for other in anchors:
                if other == one or (other in given and other < one):
                    continue
                turn = given[other].azimuth_degrees if other in given else turns[other]
                iou, colours = pairs.both(one, other, hypothesis.azimuth_degrees, turn)
                # Pairs that share a photograph err together: they count as one for each.
                score += (TURN_IOU * iou - TURN_COLOURS * colours) / max(len(anchors) - 1, 1)
        if score > best:
            best, chosen = score, combination
    for number, hypothesis in zip(numbers, chosen, strict=True):
        turns[number] = hypothesis.azimuth_degrees


def _strangers(
    usable: Sequence[int], anchors: Sequence[int], pairs: _Pairs, turns: list[float]
) -> list[int]:
    """The photographs that are not alike the others.

    The anchors that are alike the one which is most alike the rest are the object. Of two that are
    not alike each other, the surer one is.
    """
    odds = {
        (number, anchor): _odds(*pairs.both(number, anchor, turns[number], turns[anchor]))
        for number in usable
        for anchor in anchors
        if number != anchor
    }

    def friends(anchor: int) -> float:
        return sum(odds[number, anchor] > 0 for number in usable if number != anchor)

    middle = max(anchors, key=lambda anchor: (friends(anchor), pairs.readings[anchor].confidence))
    core = [anchor for anchor in anchors if anchor == middle or odds[anchor, middle] > 0]
    return [
        number
        for number in usable
        if number != middle
        and np.mean([odds[number, anchor] for anchor in core if anchor != number]) <= 0
    ]


def _odds(iou: float, colours: float) -> float:
    """Logarithm of the odds that two photographs show one object."""
    return ALIKE + ALIKE_IOU * iou - ALIKE_COLOURS * colours
