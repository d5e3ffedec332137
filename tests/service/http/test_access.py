import pytest

from service.errors import RequestError
from service.http.access import Access, Bucket
from service.settings import Settings

KEYS = ("first-key-of-the-tests", "second-key-of-the-tests")


def access(per_minute=0, clock=lambda: 0.0, keys=KEYS):
    return Access(Settings(api_keys=keys, requests_per_minute=per_minute), clock)


def bearer(key):
    return f"Bearer {key}".encode()


def test_without_keys_everyone_may_call():
    access(keys=()).check(b"")


@pytest.mark.parametrize("key", KEYS)
def test_each_key_may_call_and_the_scheme_has_no_case(key):
    access().check(bearer(key))
    access().check(f"bearer  {key} ".encode())


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "missing"),
        (b"Bearer", "unknown"),
        (b"Bearer wrong", "unknown"),
        (b"Basic " + KEYS[0].encode(), "unknown"),
        (KEYS[0].encode(), "unknown"),
        (b"Bearer \xff\xfe", "unknown"),
    ],
)
def test_anything_else_is_refused_without_naming_a_key(sent, reason):
    with pytest.raises(RequestError, match=f"the key is {reason}: send it in a header") as refusal:
        access().check(sent)
    assert refusal.value.status == 401
    assert not any(key in refusal.value.message for key in KEYS)


def test_a_key_that_calls_too_often_is_told_when_to_come_back_and_harms_no_other():
    now = [0.0]
    limited = access(per_minute=2, clock=lambda: now[0])
    for _ in range(2):
        limited.check(bearer(KEYS[0]))
    with pytest.raises(RequestError, match="calls too often") as refusal:
        limited.check(bearer(KEYS[0]))
    assert (refusal.value.status, refusal.value.retry_after_seconds) == (429, 30)
    limited.check(bearer(KEYS[1]))
    now[0] = 30.0
    limited.check(bearer(KEYS[0]))


def test_a_bucket_never_holds_more_than_a_minute_s_calls():
    bucket = Bucket(3)
    assert [bucket.take(10_000.0) for _ in range(3)] == [0.0] * 3
    assert bucket.take(10_000.0) == pytest.approx(20)
