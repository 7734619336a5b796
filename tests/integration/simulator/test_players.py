"""Players that none of us wrote see a simulated site."""

import asyncio
from itertools import pairwise

import pytest

from services.simulator.device import SimulatedCamera, SimulatedRecorder
from services.simulator.digest import DigestAlgorithm
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec
from services.simulator.site import SimulatedSite
from tests.integration.simulator.players import ffmpeg, ffprobe, pyav, with_credentials
from tests.integration.simulator.sites import one_camera, small, url

pytestmark = pytest.mark.slow

NAMES = {Codec.H264: "h264", Codec.H265: "hevc"}


async def test_ffmpeg_decodes_every_stream_of_a_site_across_the_end_of_its_loop_without_a_complaint() -> None:
    devices = [
        SimulatedCamera("gate", Codec.H264),
        SimulatedCamera("yard", Codec.H265),
        SimulatedRecorder("store", [Codec.H265], small()),
    ]
    async with SimulatedSite(devices) as site:
        described = site.describe()["cameras"]
        urls = [with_credentials(stream["url"]) for camera in described for stream in camera["streams"].values()]
        assert len(urls) == 6
        played = await asyncio.gather(*(ffmpeg(one, 8.5) for one in urls))
        for one in played:
            assert one.complaints == ""
            assert one.status == 0
            # 8.5 s of 25 frames, and the loop has 175
            assert 190 <= one.frames <= 220


@pytest.mark.parametrize("codec", list(Codec))
async def test_ffprobe_and_pyav_agree_on_what_a_stream_is(codec: Codec) -> None:
    async with one_camera(codec) as (_, camera):
        address = with_credentials(url(camera))
        about = await ffprobe(address)
        assert (about["codec_name"], about["width"], about["height"]) == (NAMES[codec], 320, 180)
        assert about["avg_frame_rate"] == "25/1"
        told = await pyav(address, 60)
    assert told["codec"] == NAMES[codec]
    assert told["error"] is None
    frames = told["frames"]
    assert frames[0]["key"]
    assert [later["pts"] - earlier["pts"] for earlier, later in pairwise(frames)] == [3600] * 59
    assert max(told["changes"]) > 0.5


async def test_ffmpeg_picks_md5_where_sha_256_is_offered_too() -> None:
    both = (DigestAlgorithm.MD5, DigestAlgorithm.SHA256)
    async with one_camera(algorithms=both) as (_, camera):
        assert (await ffmpeg(with_credentials(url(camera)), 1)).complaints == ""


async def test_a_camera_without_accounts_is_played_without_credentials() -> None:
    async with one_camera(auth_mode=AuthMode.NONE) as (_, camera):
        assert (await ffmpeg(url(camera), 1)).complaints == ""


async def test_a_camera_on_an_address_of_the_other_family_is_played_too() -> None:
    async with one_camera(host="::1") as (site, camera):
        (described,) = site.describe()["cameras"]
        assert described["streams"]["main"]["url"] == f"rtsp://[::1]:{camera.rtsp_port}/main"
        assert (await ffmpeg(with_credentials(described["streams"]["main"]["url"]), 1)).complaints == ""


async def test_a_wrong_password_is_refused_and_counted() -> None:
    async with one_camera() as (_, camera):
        played = await ffmpeg(with_credentials(url(camera), password="wrong"), 1)
        assert "401 Unauthorized" in played.complaints
        assert played.frames == 0
        assert camera.state.refusals == 1


async def test_a_viewer_that_joins_later_shares_the_stream_and_begins_at_a_key_frame() -> None:
    async with one_camera(Codec.H265) as (_, camera):
        first = asyncio.create_task(pyav(with_credentials(url(camera)), 100))
        await asyncio.sleep(1.3)
        second = await pyav(with_credentials(url(camera)), 30)
        told = await first
    assert told["error"] is None
    assert second["error"] is None
    assert second["frames"][0]["key"]
