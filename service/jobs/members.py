"""The images of an item: of an object several, in the table `members`, else the item itself."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from service.jobs.rows import Item
from service.store.database import Statements

INSERT = "INSERT INTO members (job, item, number, name) VALUES (?, ?, ?, ?)"


class Member(NamedTuple):
    """One image of an item."""

    number: int
    """Among the images of the job, from 0: its upload has it too."""
    name: str
    """As sent."""


def members_of(statements: Statements, item: Item) -> list[Member]:
    """The images of an item, in the order sent."""
    if not item.members:
        return [Member(item.number, item.name)]
    find = "SELECT number, name FROM members WHERE job = ? AND item = ? ORDER BY number"
    return list(map(Member._make, statements.execute(find, item.job, item.number)))


def grouped(objects: Sequence[str | None]) -> Iterator[tuple[str | None, list[int]]]:
    """The objects of a job with the numbers of their images, in the order of their first images.

    `objects`: of each image its name; an image without one is an object of its own.
    """
    groups: dict[object, list[int]] = {}
    for number, name in enumerate(objects):
        groups.setdefault(number if name is None else name, []).append(number)
    for numbers in groups.values():
        yield objects[numbers[0]], numbers
