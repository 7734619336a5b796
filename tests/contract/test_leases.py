"""Leases on each kind of database."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.access.roles import Role
from services.contracts.camera import Claim, LeaseRef, StreamChoice, WorkerIdentity
from services.contracts.errors import Forbidden
from services.contracts.ids import new_id
from services.contracts.scope import ProvinceScope
from services.registry.leases import WorkerCaller
from tests.harness.application import Application, running_application

#: Long enough that a busy machine does not let a lease end between two requests.
TTL_S = 2.5


@pytest.fixture
async def application(database_url: str, tmp_path):  # type: ignore[no-untyped-def]
    async with running_application(database_url, tmp_path, lease_ttl=TTL_S) as running:
        yield running


async def register(application: Application, cameras: int, *, reach: str = "default", province: str = "93") -> None:
    client: httpx.AsyncClient = await application.client_of(Role.OPERATOR)
    code = f"F-{reach}-{province}-{new_id()}"[:64]
    made = await client.post(
        "/v1/facilities", json={"code": code, "name": "x", "province_code": province, "reach": reach}
    )
    for number in range(cameras):
        body = {
            "facility_id": made.json()["id"],
            "name": f"{number}",
            "zone": "gate",
            "source": {"kind": "rtsp", "url": f"rtsp://10.20.3.4/{number}"},
        }
        assert (await client.post("/v1/cameras", json=body)).status_code == 201


async def worker(application: Application, name: str, *reaches: str) -> WorkerIdentity:
    identity = WorkerIdentity(worker_id=new_id(), name=name, reaches=reaches)
    await application.directory.announce(identity)
    return identity


async def claim(application: Application, who: WorkerIdentity, held: int = 0, capacity: int = 100) -> list[LeaseRef]:
    found = await application.directory.claim_cameras(who, Claim(held=held, capacity=capacity))
    return [LeaseRef(camera_id=one.camera_id, epoch=one.epoch) for one in found]


async def test_a_camera_has_one_holder(application: Application) -> None:
    await register(application, 3)
    one = await worker(application, "one")
    assert len(await claim(application, one)) == 3
    other = await worker(application, "other")
    assert await claim(application, other) == []


async def test_workers_that_start_together_share_and_none_is_leased_twice(application: Application) -> None:
    await register(application, 12)
    workers = [await worker(application, name) for name in "abc"]
    claimed = await asyncio.gather(*(claim(application, who) for who in workers))
    ids = [ref.camera_id for refs in claimed for ref in refs]
    assert len(ids) == len(set(ids)) == 12
    assert sorted(len(refs) for refs in claimed) == [4, 4, 4]


async def test_a_lease_that_is_renewed_lasts_and_one_that_is_not_is_taken_over_with_a_higher_epoch(
    application: Application,
) -> None:
    await register(application, 2)
    one = await worker(application, "one")
    kept, dropped = await claim(application, one)
    await asyncio.sleep(TTL_S * 0.6)
    renewal = await application.directory.renew_leases(one, [(kept, 1)])
    assert (renewal.held, renewal.lost) == ((kept,), ())
    await asyncio.sleep(TTL_S * 0.6)
    other = await worker(application, "other")
    (taken,) = await claim(application, other)
    assert taken.camera_id == dropped.camera_id
    assert taken.epoch == dropped.epoch + 1
    late = await application.directory.renew_leases(one, [(kept, 1), (dropped, 1)])
    assert (late.held, late.lost) == ((kept,), (dropped,))


async def test_a_lease_that_ran_out_is_lost_even_if_nobody_took_it(application: Application) -> None:
    await register(application, 1)
    one = await worker(application, "one")
    (ref,) = await claim(application, one)
    await asyncio.sleep(TTL_S * 1.2)
    assert (await application.directory.renew_leases(one, [(ref, 1)])).lost == (ref,)


async def test_what_is_released_can_be_claimed_at_once(application: Application) -> None:
    await register(application, 2)
    one = await worker(application, "one")
    refs = await claim(application, one)
    await application.directory.release_leases(one, refs)
    await application.directory.release_leases(one, refs)
    taken = await claim(application, await worker(application, "other"))
    assert taken, "its fair share, at once"
    assert all(ref.epoch == 2 for ref in taken)


async def test_an_old_epoch_releases_nothing(application: Application) -> None:
    await register(application, 1)
    one = await worker(application, "one")
    (ref,) = await claim(application, one)
    await application.directory.release_leases(one, [LeaseRef(camera_id=ref.camera_id, epoch=ref.epoch - 1)])
    assert (await application.directory.renew_leases(one, [(ref, 1)])).held == (ref,)


async def test_epochs_only_grow(application: Application) -> None:
    await register(application, 1)
    epochs = []
    for name in "abcd":
        who = await worker(application, name)
        while not (refs := await claim(application, who)):
            await asyncio.sleep(0.05)
        epochs.append(refs[0].epoch)
        await application.directory.release_leases(who, refs)
    assert all(later > earlier for earlier, later in pairwise(epochs))


async def test_a_worker_takes_only_what_it_reaches(application: Application) -> None:
    await register(application, 2, reach="north")
    await register(application, 3, reach="south")
    north = await worker(application, "north", "north")
    assert len(await claim(application, north)) == 2


async def test_a_worker_key_of_one_province_leases_only_there(application: Application) -> None:
    await register(application, 1, province="93")
    await register(application, 1, province="30", reach="other")
    caller = WorkerCaller(new_id(), ProvinceScope(frozenset({"2021-30"})))
    identity = WorkerIdentity(worker_id=new_id(), name="hai-duong")
    leases = application.parts.desk.leases
    await leases.announce(caller, identity)
    (assignment,) = await leases.claim(caller, identity.worker_id, Claim(held=0, capacity=10))
    assert assignment.reach == "other"


async def test_capacity_is_a_bound_and_a_full_neighbour_leaves_no_camera_dark(application: Application) -> None:
    await register(application, 6)
    small, large = await worker(application, "small"), await worker(application, "large")
    assert len(await claim(application, small, capacity=1)) == 1
    first = await claim(application, large)
    assert len(first) == 3, "its fair share"
    await asyncio.sleep(TTL_S * 0.7)
    for who in (small, large):
        await application.directory.announce(who)
    held = [(ref, 1) for ref in first]
    await application.directory.renew_leases(large, held)
    await asyncio.sleep(TTL_S * 0.5)
    for who in (small, large):
        await application.directory.announce(who)
    assert len(await claim(application, large, held=3)) >= 2, "free for a whole TTL: anybody may take them"


async def test_disabled_and_record_only_cameras_are_not_watched(application: Application) -> None:
    await register(application, 3)
    client = await application.client_of(Role.OPERATOR)
    cameras = (await client.get("/v1/cameras")).json()["items"]
    await client.patch(f"/v1/cameras/{cameras[0]['id']}", json={"enabled": False})
    await client.patch(f"/v1/cameras/{cameras[1]['id']}", json={"watch_policy": "record_only"})
    one = await worker(application, "one")
    (ref,) = await claim(application, one)
    assert str(ref.camera_id) == cameras[2]["id"]
    await client.patch(f"/v1/cameras/{cameras[2]['id']}", json={"enabled": False})
    assert (await application.directory.renew_leases(one, [(ref, 1)])).lost == (ref,)


@pytest.mark.parametrize(
    ("settings", "camera", "every_s"),
    [
        ({}, {}, None),
        ({}, {"sample_every_s": 900}, None),
        ({}, {"watch_policy": "sampled"}, 600),
        ({}, {"watch_policy": "sampled", "sample_every_s": 900}, 900),
        ({"watch_policy": "sampled", "watch_sample_every": 120}, {}, 120),
        ({"watch_policy": "sampled", "watch_sample_every": 120}, {"sample_every_s": 900}, 900),
        ({"watch_policy": "sampled"}, {"watch_policy": "continuous"}, None),
    ],
    ids=str,
)
async def test_an_assignment_says_how_its_camera_is_watched_and_the_settings_say_it_for_the_others(
    tmp_path: Path, settings: dict[str, Any], camera: dict[str, object], every_s: int | None
) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path / 'leases.db'}"
    async with running_application(database_url, tmp_path, **settings) as application:
        await register(application, 1)
        client = await application.client_of(Role.OPERATOR)
        (registered,) = (await client.get("/v1/cameras")).json()["items"]
        await client.patch(f"/v1/cameras/{registered['id']}", json=camera)
        one = await worker(application, "one")
        (assignment,) = await application.directory.claim_cameras(one, Claim(held=0, capacity=10))
        assert (assignment.sample_every_s, assignment.stream_choice) == (every_s, StreamChoice.AUTO)


@pytest.mark.parametrize(
    ("change", "learned"),
    [
        ({"watch_policy": "sampled"}, True),
        ({"sample_every_s": 900}, True),
        ({"stream_choice": "main"}, True),
        ({"name": "Cổng sau"}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_worker_learns_how_its_camera_is_to_be_watched_from_now_on(
    application: Application, change: dict[str, object], learned: bool
) -> None:
    await register(application, 1)
    one = await worker(application, "one")
    (ref,) = await claim(application, one)
    client = await application.client_of(Role.OPERATOR)
    assert (await client.patch(f"/v1/cameras/{ref.camera_id}", json=change)).status_code == 200
    renewal = await application.directory.renew_leases(one, [(ref, 1)])
    assert renewal.held == (ref,)
    assert bool(renewal.changed) is learned


async def test_a_worker_id_belongs_to_the_key_it_came_with(application: Application) -> None:
    identity = await worker(application, "one")
    stranger = WorkerCaller(new_id(), ProvinceScope(None))
    with pytest.raises(Forbidden):
        await application.parts.desk.leases.announce(stranger, identity)
    with pytest.raises(Forbidden):
        await application.parts.desk.leases.claim(stranger, identity.worker_id, Claim(held=0, capacity=1))
