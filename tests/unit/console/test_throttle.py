"""How often somebody may try to sign in."""

from services.console.throttle import SignInThrottle, client_key


def test_five_tries_are_free_and_the_sixth_must_wait() -> None:
    throttle = SignInThrottle(tries=5, every_s=20.0)
    assert [throttle.take("192.0.2.1", 100.0) for _ in range(5)] == [0.0] * 5
    assert throttle.take("192.0.2.1", 100.0) == 20.0


def test_one_try_comes_back_after_every_interval() -> None:
    throttle = SignInThrottle(tries=2, every_s=20.0)
    throttle.take("192.0.2.1", 100.0)
    throttle.take("192.0.2.1", 100.0)
    assert throttle.take("192.0.2.1", 119.0) == 1.0
    assert throttle.take("192.0.2.1", 120.0) == 0.0
    assert throttle.take("192.0.2.1", 120.0) == 20.0


def test_asking_while_one_must_wait_costs_nothing() -> None:
    throttle = SignInThrottle(tries=1, every_s=20.0)
    throttle.take("192.0.2.1", 100.0)
    for _ in range(50):
        assert throttle.take("192.0.2.1", 110.0) == 10.0
    assert throttle.take("192.0.2.1", 120.0) == 0.0


def test_a_right_key_gives_its_try_back() -> None:
    throttle = SignInThrottle(tries=1, every_s=20.0)
    for _ in range(10):
        assert throttle.take("192.0.2.1", 100.0) == 0.0
        throttle.give_back("192.0.2.1", 100.0)
    assert throttle.clients == 0


def test_a_right_key_does_not_forgive_the_wrong_ones_before_it() -> None:
    throttle = SignInThrottle(tries=2, every_s=20.0)
    throttle.take("192.0.2.1", 100.0)
    throttle.take("192.0.2.1", 100.0)
    throttle.give_back("192.0.2.1", 100.0)
    assert throttle.take("192.0.2.1", 100.0) == 0.0
    assert throttle.take("192.0.2.1", 100.0) == 20.0


def test_one_client_does_not_hold_up_another() -> None:
    throttle = SignInThrottle(tries=1, every_s=20.0)
    throttle.take("192.0.2.1", 100.0)
    assert throttle.take("192.0.2.2", 100.0) == 0.0


def test_memory_stays_bounded_and_the_oldest_is_forgotten_first() -> None:
    throttle = SignInThrottle(tries=1, every_s=20.0, clients_max=3)
    for last in range(1, 6):
        throttle.take(f"192.0.2.{last}", 100.0)
    assert throttle.clients == 3
    assert throttle.take("192.0.2.5", 100.0) > 0
    assert throttle.take("192.0.2.1", 100.0) == 0.0


def test_a_subscriber_of_ipv6_is_one_client() -> None:
    assert client_key("2001:db8:1:2::1") == client_key("2001:db8:1:2:ffff::9")
    assert client_key("2001:db8:1:2::1") != client_key("2001:db8:1:3::1")


def test_an_ipv4_address_is_the_same_however_it_is_written() -> None:
    assert client_key("::ffff:192.0.2.1") == client_key("192.0.2.1")


def test_what_is_no_address_is_cut_to_a_bounded_key() -> None:
    assert client_key("x" * 5000) == "x" * 64
