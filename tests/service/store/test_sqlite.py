"""What the embedded database does with its log."""

import shutil
import sqlite3

import pytest

from service.store.sqlite import SQLite


def test_the_log_is_carried_over_before_a_transaction_has_to(tmp_path):
    made = SQLite(tmp_path / "jobs.sqlite3")
    with made.transaction() as statements:
        statements.change("INSERT INTO processes (id, until) VALUES ('a', 0)")
    alone = tmp_path / "without its log.sqlite3"

    def names():
        shutil.copy(tmp_path / "jobs.sqlite3", alone)
        with sqlite3.connect(alone) as copy:
            return [name for (name,) in copy.execute("SELECT id FROM processes")]

    made.tidy()
    assert names() == ["a"]
    with made.transaction() as statements:
        statements.change("INSERT INTO processes (id, until) VALUES ('c', 0)")
    assert names() == ["a"]
    made.tidy()
    assert names() == ["a", "c"]
    made.close()


def test_a_database_that_is_gone_is_not_made_anew(tmp_path):
    made = SQLite(tmp_path / "jobs.sqlite3")
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(OSError):
        made.tidy()
    assert not (tmp_path / "jobs.sqlite3").exists()
    made.close()
