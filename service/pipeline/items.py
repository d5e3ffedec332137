"""An item of a job or a batch, answered in one piece: an image, or all photographs of an object."""

from collections.abc import Sequence
from typing import NamedTuple

from service.pipeline import objects, reconstruction
from service.pipeline.engine import Engine
from service.pipeline.objects import Group
from service.schemas.objects import ItemOptions, ObjectAnswer
from service.schemas.photographs import ImageAnswer, Problem

TOO_MANY = "too_many_photographs"


class Answered(NamedTuple):
    """The entries of an item."""

    images: list[ImageAnswer]
    object: ObjectAnswer | None = None
    """None where the item is an image."""

    @property
    def error(self) -> Problem | None:
        """Why there is no mesh."""
        return (self.object or self.images[0]).error

    def codes(self) -> set[str]:
        """Those of the errors of all entries."""
        entries = (*self.images, *([self.object] if self.object else []))
        return {entry.error.code for entry in entries if entry.error is not None}

    def to_lines(self) -> bytes:
        """A line for each image, and one for the object: without the last line's end."""
        lines = [entry.to_json() for entry in self.images]
        return b"\n".join([*lines, self.object.to_json()] if self.object else lines)


async def answer(engine: Engine, group: Group, options: ItemOptions) -> Answered:
    """The entries of an item: never raises, an error is an entry too.

    `group`: where no option makes objects of images it has one image.
    """
    if options.objects == "none":
        ((index, upload),) = group.uploads
        return Answered([await reconstruction.answer(engine, index, upload, options)])
    made = await objects.answer(engine, group, options, options)
    return Answered(made.images, made.object)


def too_many(name: str, photographs: int, largest: int) -> Problem | None:
    """Why an object is not begun: it has more photographs than `largest`; None: it has not."""
    if photographs <= largest:
        return None
    message = (
        f"object {name[:80]!r} has {photographs} photographs; at most {largest} are fused: leave "
        "some out, or make several objects of them"
    )
    return Problem(code=TOO_MANY, message=message)


def failed(
    number: int,
    name: str,
    images: Sequence[tuple[int, str]],
    problem: Problem,
    options: ItemOptions,
) -> Answered:
    """The entries of an item that is not worked on; each has the reason.

    `images`: their numbers and names.
    """
    if options.objects != "none":
        made = objects.failed(number, name, images, problem)
        return Answered(made.images, made.object)
    return Answered(
        [
            ImageAnswer(index=index, name=image, status="error", error=problem)
            for index, image in images
        ]
    )
