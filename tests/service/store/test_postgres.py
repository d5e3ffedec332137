import pytest

from tests.service.store import servers


@pytest.fixture
def address(postgresql):
    return servers.create_database(postgresql, "test_tables")


def test_a_replica_starts_while_another_writes(address):
    from service.store.postgres import PostgreSQL

    working = PostgreSQL(address)
    with working.transaction() as statements:
        for table in ("processes (id, until)", "paces (job, since, answered)"):
            values = ", ".join(["'1'", "1", "1"][: table.count(",") + 1])
            statements.change(f"INSERT INTO {table} VALUES ({values})")
        statements.change("UPDATE items SET attempts = 1")
        statements.change("UPDATE claims SET number = 1")
        statements.change("UPDATE keys SET body = ''")
        other = PostgreSQL(address)  # without waiting until the tables are free
    assert other.execute("SELECT id FROM processes") == [("1",)]
    other.close()
    working.close()
