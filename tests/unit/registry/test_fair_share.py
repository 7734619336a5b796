"""How many cameras a worker should watch."""

from services.registry.leases import fair_share


def test_workers_share_evenly() -> None:
    assert fair_share({"default": 10}, [[], []], []) == 5
    assert fair_share({"default": 11}, [[], []], []) == 6


def test_one_worker_takes_all() -> None:
    assert fair_share({"default": 10, "hotel": 3}, [[]], []) == 13


def test_a_worker_does_not_count_where_it_cannot_reach() -> None:
    workers = [["north"], ["south"], []]
    cameras = {"north": 10, "south": 20}
    assert fair_share(cameras, workers, ["north"]) == 5
    assert fair_share(cameras, workers, ["south"]) == 10
    assert fair_share(cameras, workers, []) == 15


def test_nothing_to_watch_is_no_share() -> None:
    assert fair_share({}, [[]], []) == 0
