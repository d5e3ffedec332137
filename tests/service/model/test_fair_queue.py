from service.model.fair_queue import FairQueue, Waiting


def fill(*items):
    """Items like "a1": the letter is the request."""
    queue = FairQueue()
    waiting = {item: Waiting(item, item[0], None, 0.0) for item in items}
    for one in waiting.values():
        queue.put(one)
    return queue, waiting


def take(queue, most):
    return [waiting.item for waiting in queue.take(most)]


def test_requests_take_turns_and_each_keeps_its_order():
    queue, _ = fill("a1", "a2", "a3", "b1", "c1", "c2")
    assert take(queue, 4) == ["a1", "b1", "c1", "a2"]
    assert take(queue, 4) == ["c2", "a3"]
    assert len(queue) == 0


def test_one_request_alone_fills_the_batch():
    queue, _ = fill(*(f"a{i}" for i in range(5)))
    assert take(queue, 4) == ["a0", "a1", "a2", "a3"]
    assert len(queue) == 1


def test_a_newcomer_waits_for_one_round_only():
    queue, _ = fill("a1", "a2", "a3")
    assert take(queue, 1) == ["a1"]
    queue.put(Waiting("b1", "b", None, 0.0))
    assert take(queue, 2) == ["a2", "b1"]


def test_a_dropped_item_takes_no_turn():
    queue, waiting = fill("a1", "b1", "a2")
    queue.drop(waiting["b1"])
    queue.drop(waiting["b1"])
    assert len(queue) == 2
    assert take(queue, 9) == ["a1", "a2"]


def test_dropping_what_was_taken_changes_nothing():
    queue, waiting = fill("a1", "a2")
    assert take(queue, 1) == ["a1"]
    queue.drop(waiting["a1"])
    assert take(queue, 9) == ["a2"]
