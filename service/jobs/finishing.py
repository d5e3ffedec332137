"""Answers of items: each is kept once, by whoever was given the item last."""

from collections.abc import Callable
from contextlib import suppress

from service.jobs import uploads
from service.jobs.ended import Ended, leave
from service.jobs.members import members_of
from service.jobs.room import Room
from service.jobs.rows import Item
from service.store.database import Statements
from service.store.opening import Store


class Finisher:
    """Keeps the answers of a store's items."""

    def __init__(self, store: Store, room: Room, ended: Ended, clock: Callable[[], float]) -> None:
        self._files = store.files
        self._database = store.database
        self._leases = store.leases
        self._room = room
        self._ended = ended
        self._clock = clock

    def finish(
        self, item: Item, answer: bytes, error: tuple[str, str] | None, beyond_limit: bool
    ) -> None:
        """What `JobStore.finish` does."""
        # No other attempt writes to this name: where it is of no use it can go.
        self._files.write(item.answer_name, answer)
        now = self._clock()
        try:
            with self._database.transaction() as statements:
                self._ended.hold(statements, item.job)
                kept = self._note(statements, item, len(answer), error)
                emptied = self._empty(statements, item) if kept else []
                if kept:
                    self._end(statements, item.job, now)
                if kept and not beyond_limit:
                    self._room.check(statements)
        except BaseException:
            with suppress(OSError):  # then it is written again, or goes with the job
                self._drop(item)
            raise
        finally:
            self._ended.clear(item.job)
        if not kept:
            self._drop(item)
            self._leases.sweep(item.job)  # whoever deleted it may have found the file in the way
        for name in emptied:
            self._leases.sweep(name)

    def _note(
        self, statements: Statements, item: Item, size: int, error: tuple[str, str] | None
    ) -> bool:
        """Whether the item is there, and nobody took it over."""
        state = "ok" if error is None else "error"
        kept = statements.change(
            "UPDATE items SET state = ?, code = ?, message = ? "
            "WHERE job = ? AND number = ? AND state = 'waiting' AND attempts = ?",
            *(state, *(error or (None, None)), item.job, item.number, item.attempts),
        )
        if kept:
            delete = "DELETE FROM claims WHERE job = ? AND number = ?"
            statements.change(delete, item.job, item.number)
            update = "UPDATE sizes SET bytes = bytes + ? WHERE job = ?"
            statements.change(update, size, item.job)
        return bool(kept)

    def _empty(self, statements: Statements, item: Item) -> list[str]:
        """Forget where its uploads stand; the files in which they were the last ones."""
        delete = "DELETE FROM uploads WHERE job = ? AND number = ? RETURNING part"
        parts = {
            part
            for member in members_of(statements, item)
            for (part,) in statements.execute(delete, item.job, member.number)
        }
        find = "SELECT 1 FROM uploads WHERE job = ? AND part = ? LIMIT 1"
        names = []
        for part in sorted(parts):
            if statements.execute(find, item.job, part):
                continue
            names.append(uploads.name_of(item.job, part))
            size = self._files.size(names[-1]) or 0
            statements.change("UPDATE sizes SET bytes = bytes - ? WHERE job = ?", size, item.job)
            leave(statements, names[-1])
        return names

    @staticmethod
    def _end(statements: Statements, job: str, now: float) -> None:
        """Where nothing waits any more the job is done."""
        waits = "SELECT 1 FROM items WHERE job = ? AND state = 'waiting' LIMIT 1"
        if not statements.execute(waits, job):
            update = "UPDATE jobs SET state = 'done', finished = ? WHERE id = ? AND state = ?"
            statements.change(update, now, job, "running")

    def _drop(self, item: Item) -> None:
        """Drop an answer that is not kept, as where somebody else was given the item.

        It is kept all the same where the database could not say so before the connection ended.
        """
        find = (
            "SELECT 1 FROM items WHERE job = ? AND number = ? AND attempts = ? "
            "AND state != 'waiting'"
        )
        with self._database.transaction() as statements:
            self._ended.hold(statements, item.job)
            if not statements.execute(find, item.job, item.number, item.attempts):
                self._files.remove(item.answer_name)
