"""Key frames gathered from real servers' packets, decoded without opening the stream a second time."""

import asyncio
import random

import pytest

from services.contracts.ladder import Reason
from services.ingest.media.host import MediaHost
from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, is_black
from services.ingest.rtsp.keyframe import START_CODE, Gathered, Unit
from services.ingest.rtsp.upstream import UpstreamLimits
from tests.harness.gst_server import GstMount, GstServer
from tests.integration.rtsp.upstreams import watched

PATIENT = UpstreamLimits()


async def gathered_from(mount: GstMount, *, keys: int = 1, following: int = 0) -> Gathered:
    async with GstServer([mount]) as server, watched(server.port, limits=PATIENT) as watch:
        await watch.open()
        async with asyncio.timeout(15):
            return await watch.upstream.gather(keys=keys, following=following)


@pytest.mark.parametrize(
    "mount",
    [
        GstMount(codec="h264", pattern="smpte", size="1280x720", fps=25, gop=15),
        GstMount(codec="h264", pattern="smpte", size="640x360", fps=10, gop=10, config_interval=0),
        GstMount(codec="h265", pattern="smpte", size="640x360", fps=20, gop=20),
        GstMount(codec="h264", pattern="smpte", size="640x360", fps=25, gop=1),
    ],
    ids=["h264-720p", "h264-sets-in-sdp-only", "h265", "key-frames-only"],
)
async def test_key_frames_and_what_follows_them_decode(host: MediaHost, mount: GstMount) -> None:
    gathered = await gathered_from(mount, keys=2, following=4)
    assert gathered.units[0].key
    assert sum(unit.key for unit in gathered.units) >= 2
    result = await host.decode(gathered, deadline_s=10, snapshot=True)

    width, height = (int(side) for side in mount.size.split("x"))
    assert (result.reason, result.decode_errors) == (None, 0), result
    assert (result.facts.codec, result.facts.width, result.facts.height) == (mount.codec, width, height)
    assert result.frames_decoded == len(gathered.units)
    assert result.decodes
    assert [look.taken_at_monotonic for look in result.looks] == [
        unit.arrived_at for unit in gathered.units if unit.key
    ]
    for look in result.looks:
        assert look.luma.shape == (LOOK_HEIGHT, LOOK_WIDTH)
        assert look.luma.max() - look.luma.min() > 100, "colour bars"
    assert result.snapshot is not None
    assert result.snapshot.startswith(b"\xff\xd8\xff")


async def test_a_black_picture_is_seen_black(host: MediaHost) -> None:
    result = await host.decode(
        await gathered_from(GstMount(codec="h264", pattern="black", gop=10)), deadline_s=10, snapshot=False
    )
    assert is_black(result.looks[0].luma)
    assert result.snapshot is None


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_noise_is_undecodable_and_harms_nobody(host: MediaHost, codec: str) -> None:
    dice = random.Random(7)
    head = {"h264": b"\x65", "h265": b"\x26\x01"}[codec]
    noise = [START_CODE + head + dice.randbytes(4000) for _ in range(6)]
    for data in noise:
        result = await host.decode(Gathered(codec, b"", (Unit(True, 1.0, data),)), deadline_s=10, snapshot=True)
        assert not result.decodes
        assert result.reason is Reason.UNDECODABLE
    good = await gathered_from(GstMount(codec="h264", gop=10))
    assert (await host.decode(good, deadline_s=10, snapshot=False)).decodes


async def test_many_at_once_are_all_answered(host: MediaHost) -> None:
    gathered = await gathered_from(GstMount(codec="h264", gop=10))
    results = await asyncio.gather(*(host.decode(gathered, deadline_s=20, snapshot=True) for _ in range(40)))
    assert all(result.decodes and result.snapshot for result in results)
