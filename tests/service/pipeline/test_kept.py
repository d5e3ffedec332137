import asyncio
import time

import numpy as np
import pytest

from service.errors import ItemError
from service.pipeline.archive import Archive
from service.pipeline.kept import FOLDER, Kept
from service.store.folder import Folder


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def keep(kept, archive):
    async def run():
        return await kept.keep(archive).done()

    return asyncio.run(run())


def find(kept, identity):
    return asyncio.run(kept.find(identity))


def archive(number=0):
    return Archive(
        np.full((5, 3), number, np.float32),
        np.full((4, 8, 3), number, np.uint8),
        np.full((6, 6, 3), number, np.uint8),
        np.arange(5, dtype=np.float32),
    )


def same(one, other):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(one, other, strict=True))


@pytest.fixture
def files(tmp_path):
    return Folder(tmp_path)


def sharing(files, largest=9, seconds=60, model="model"):
    kept = Kept(largest, seconds)
    kept.share(files, model)
    return kept


def test_an_id_is_good_until_its_time_is_over():
    clock = Clock()
    kept = Kept(3, 60, clock)
    first = keep(kept, "first")
    clock.now = 59
    second = keep(kept, "second")
    assert find(kept, first) == "first"
    clock.now = 60
    with pytest.raises(ItemError, match="ids last 60 s"):
        find(kept, first)
    assert find(kept, second) == "second"


def test_the_oldest_goes_when_there_is_no_more_room():
    kept = Kept(2, 60, Clock())
    ids = [keep(kept, number) for number in range(3)]
    assert len(set(ids)) == 3
    with pytest.raises(ItemError, match="no reconstruction"):
        find(kept, ids[0])
    assert [find(kept, identity) for identity in ids[1:]] == [1, 2]


def test_an_id_that_one_process_answered_is_found_by_all(files):
    one, other = sharing(files), sharing(files)
    identity = keep(one, archive(7))
    assert same(find(other, identity), archive(7))
    one.close()
    assert same(find(sharing(files), identity), archive(7))


def test_an_id_that_waits_for_an_object_store_is_answered_when_it_is_there(files, monkeypatch):
    monkeypatch.setattr(Folder, "is_near", False)
    write = files.write

    def slowly(*arguments, **options):
        time.sleep(0.2)
        write(*arguments, **options)

    monkeypatch.setattr(files, "write", slowly)
    one, other = sharing(files), sharing(files)
    began = time.monotonic()
    kept = one.keep(archive(7))
    assert time.monotonic() - began < 0.2
    assert same(find(one, kept.id), archive(7))
    asyncio.run(kept.done())
    assert same(find(other, kept.id), archive(7))


def test_ids_go_for_all_processes_in_the_order_they_came(files):
    one, other = sharing(files, largest=2), sharing(files)
    ids = [keep(one, archive(number)) for number in range(3)]
    with pytest.raises(ItemError, match="no reconstruction"):
        find(other, ids[0])
    assert [find(other, identity).texture.max() for identity in ids[1:]] == [1, 2]
    assert len(list(files.entries(FOLDER))) == 2


def test_an_id_ends_for_all_processes_and_its_file_goes(files, monkeypatch):
    monkeypatch.setattr(Kept, "_sweep", lambda _: None)
    one, other = sharing(files, seconds=1), sharing(files, seconds=1)
    identity = keep(one, archive())
    find(other, identity)
    time.sleep(1.1)
    for kept in (one, other):
        with pytest.raises(ItemError, match="ids last 1 s"):
            find(kept, identity)
    monkeypatch.undo()
    sharing(files, seconds=1).close()
    assert list(files.entries(FOLDER)) == []


def test_a_reconstruction_that_fits_another_bundle_is_not_found(files):
    identity = keep(sharing(files), archive())
    with pytest.raises(ItemError, match="no reconstruction"):
        find(sharing(files, model="other"), identity)


@pytest.mark.parametrize("identity", ["../jobs.sqlite3", "a" * 31, "A" * 32, "", "a" * 32 + "/.."])
def test_what_is_no_id_names_no_file(files, identity):
    (files.path / "jobs.sqlite3.model").write_bytes(b"secret")
    with pytest.raises(ItemError, match="no reconstruction"):
        find(sharing(files), identity)


def test_a_file_that_cannot_be_written_costs_no_answer(files, monkeypatch, caplog):
    one = sharing(files)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    identity = keep(one, archive(7))
    assert same(find(one, identity), archive(7))
