"""Who works on which item: nobody else does, while its process lives."""

from collections.abc import Collection, Mapping, Set

from service.jobs.rows import COUNT_MEMBERS, ITEM_COLUMNS, Item
from service.store.database import Statements
from service.store.opening import Store


class Claims:
    """Takes items for this process, and gives them back."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._leases = store.leases

    def free(self, job: str, most: int) -> dict[int, int]:
        """What `JobStore.free` does."""
        find = (
            f"SELECT number, {COUNT_MEMBERS} FROM items "
            "WHERE job = ? AND state = 'waiting' AND NOT EXISTS "
            "(SELECT 1 FROM claims WHERE claims.job = items.job AND claims.number = items.number) "
            "ORDER BY number LIMIT ?"
        )
        found = self._database.execute(find, job, most)
        return {number: members or 1 for number, members in found}

    def take(self, wanted: Mapping[str, Collection[int]]) -> list[Item]:
        """Claim items by their jobs, all or nothing; those that nobody else was given meanwhile.

        Each counts as begun once more.
        """
        taken: list[Item] = []
        with self._database.transaction() as statements:
            self._leases.renew(statements)
            for job, numbers in sorted(wanted.items()):
                if items := self._take(statements, job, numbers):
                    self._begin(statements, job)
                    taken += items
        return taken

    def give_back(self, item: Item, counts: bool = False) -> None:
        """Let others have an item that was taken; `counts`: its attempt was its own fault."""
        with self._database.transaction() as statements:
            update = (
                "UPDATE items SET attempts = attempts - ? "
                "WHERE job = ? AND number = ? AND state = 'waiting' AND attempts = ?"
            )
            less = 0 if counts else 1
            if statements.change(update, less, item.job, item.number, item.attempts):
                delete = "DELETE FROM claims WHERE job = ? AND number = ? AND process = ?"
                statements.change(delete, item.job, item.number, self._leases.process)

    def keep_only(self, begun: Set[tuple[str, int]]) -> None:
        """What `JobStore.keep_only` does."""
        find = "SELECT job, number FROM claims WHERE process = ?"
        for job, number in self._database.execute(find, self._leases.process):
            if (job, number) not in begun:
                delete = "DELETE FROM claims WHERE job = ? AND number = ? AND process = ?"
                self._database.change(delete, job, number, self._leases.process)

    def _take(self, statements: Statements, job: str, numbers: Collection[int]) -> list[Item]:
        find = (
            f"SELECT {ITEM_COLUMNS} FROM items WHERE job = ? AND number IN ({_marks(numbers)}) "
            f"AND state = 'waiting' ORDER BY number{self._database.skipping}"
        )
        items = [Item._make(row) for row in statements.execute(find, job, *numbers)]
        if not items:
            return []
        insert = (
            f"INSERT INTO claims (job, number, process) VALUES {_marks(items, '(?, ?, ?)')} "
            "ON CONFLICT (job, number) DO NOTHING RETURNING number"
        )
        values = [value for item in items for value in (job, item.number, self._leases.process)]
        got = [number for (number,) in statements.execute(insert, *values)]
        if got:
            update = "UPDATE items SET attempts = attempts + 1 WHERE job = ? AND number IN "
            statements.change(f"{update}({_marks(got)})", job, *got)
        return [item._replace(attempts=item.attempts + 1) for item in items if item.number in got]

    def _begin(self, statements: Statements, job: str) -> None:
        """Note since when a job is worked on."""
        insert = (
            f"INSERT INTO paces (job, since, answered) SELECT ?, {self._database.now}, COUNT(*) "
            "FROM items WHERE job = ? AND state != 'waiting' ON CONFLICT (job) DO NOTHING"
        )
        if not statements.execute("SELECT 1 FROM paces WHERE job = ?", job):
            statements.change(insert, job, job)


def _marks(values: Collection[object], mark: str = "?") -> str:
    return ", ".join([mark] * len(values))
