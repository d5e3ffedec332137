"""What the API's numbers and flags mean, in the words of everyday, with what to do."""

from typing import NamedTuple


class Advice(NamedTuple):
    """A flag for people."""

    meaning: str
    todo: str


FLAGS: dict[str, Advice] = {
    "touches_border": Advice(
        "The object is cut off by the photograph's edge.",
        "Take one with some space all around it.",
    ),
    "tiny": Advice(
        "The object is very small in the photograph.",
        "Go closer, or send the file in its full size.",
    ),
    "several_objects": Advice(
        "There is more than one object.",
        "Draw a box around the one you mean.",
    ),
    "low_iou": Advice(
        "The mesh does not fill the object's outline well.",
        "Expect a rough shape. A plain background, or a view from the side, often helps.",
    ),
    "unlike_training": Advice(
        "This looks unlike anything that the model learned from.",
        "Do not rely on shape or direction. Tab Explain says what the model knows.",
    ),
    "ambiguous_front_back": Advice(
        "Front and rear may be confused.",
        "Look at the other direction: if it is right, the mesh is flipped by 180°.",
    ),
    "no_object": Advice(
        "No object was found, so the mesh shows nothing of this photograph.",
        "Draw a box around the object, or take it before a plain background.",
    ),
}
CONFIDENT, DOUBTFUL = 0.9, 0.5
"""Over the first a direction is nearly always right; below the second it is flagged."""
GOOD_FIT, POOR_FIT = 0.85, 0.7
SIDES = (
    "the front", "the front and its left side", "its left side", "the rear and its left side",
    "the rear", "the rear and its right side", "its right side", "the front and its right side",
)  # fmt: skip
"""From azimuth 0 on, in steps of 45 degrees. The object faces +z and its left side +x."""


def advice(flag: str) -> Advice:
    """What a flag means; one that this page does not know yet stands for itself."""
    return FLAGS.get(flag) or Advice(flag.replace("_", " ").capitalize() + ".", "")


def side(azimuth_degrees: float) -> str:
    """Which side a camera at this azimuth sees."""
    return SIDES[round(azimuth_degrees / 45) % len(SIDES)]


def sureness(confidence: float) -> str:
    """How sure a direction is; confidence 0..1."""
    if confidence >= CONFIDENT:
        return "sure"
    return "fairly sure" if confidence >= DOUBTFUL else "unsure"


def fit(iou: float) -> str:
    """How well the mesh fills the mask; IoU 0..1."""
    if iou >= GOOD_FIT:
        return "good"
    return "fair" if iou >= POOR_FIT else "poor"


def duration(seconds: float) -> str:
    """`75.2` -> `1 min 15 s`."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
