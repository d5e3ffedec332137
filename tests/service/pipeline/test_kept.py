import pytest

from service.errors import ItemError
from service.pipeline.kept import Kept


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_an_id_is_good_until_its_time_is_over():
    clock = Clock()
    kept = Kept(3, 60, clock)
    first = kept.keep("first")
    clock.now = 59
    second = kept.keep("second")
    assert kept.find(first) == "first"
    clock.now = 60
    with pytest.raises(ItemError, match="ids last 60 s"):
        kept.find(first)
    assert kept.find(second) == "second"


def test_the_oldest_goes_when_there_is_no_more_room():
    kept = Kept(2, 60, Clock())
    ids = [kept.keep(number) for number in range(3)]
    assert len(set(ids)) == 3
    with pytest.raises(ItemError, match="no reconstruction"):
        kept.find(ids[0])
    assert [kept.find(identity) for identity in ids[1:]] == [1, 2]
