"""Every fault, observed from outside."""

import asyncio
import struct
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.simulator.device import PASSWORD, SimulatedDevice
from services.simulator.faults import Fault, FaultNotPossible
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec
from services.simulator.site import UnknownName
from tests.integration.simulator.players import ffmpeg, onvif_zeep, pyav, with_credentials
from tests.integration.simulator.raw_rtsp import Client
from tests.integration.simulator.sites import one_camera, one_recorder, url


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_off_closes_both_ports_cuts_viewers_and_comes_back_on_the_same_ports() -> None:
    async with one_camera() as (site, camera), Client(camera.rtsp_port) as client:
        ports = camera.onvif_port, camera.rtsp_port
        await client.play()
        await site.set_fault("gate", Fault.OFF)
        assert await client.closed_within(2)
        assert [await refuses(port) for port in ports] == [True, True]
        await site.set_fault("gate", Fault.NONE)
        assert (camera.onvif_port, camera.rtsp_port) == ports
        assert (await ffmpeg(with_credentials(url(camera)), 1)).complaints == ""
        assert [await refuses(port) for port in ports] == [False, False]


async def test_a_wrong_password_cuts_viewers_and_is_expected_over_both_protocols() -> None:
    async with one_camera(auth_mode=AuthMode.WSSE) as (site, camera), Client(camera.rtsp_port) as client:
        await client.play()
        await site.set_fault("gate", Fault.WRONG_PASSWORD)
        assert await client.closed_within(2)
        assert "401 Unauthorized" in (await ffmpeg(with_credentials(url(camera)), 1)).complaints
        assert "not authorized" in (await onvif_zeep(camera.onvif_port))["error"]
        assert camera.state.refusals == 2
        changed = camera.state.password_under(Fault.WRONG_PASSWORD)
        assert changed != PASSWORD
        assert (await ffmpeg(with_credentials(url(camera), password=changed), 1)).complaints == ""
        await site.set_fault("gate", Fault.NONE)
        assert (await ffmpeg(with_credentials(url(camera)), 1)).complaints == ""


async def test_a_silent_camera_keeps_the_session_and_sends_nothing() -> None:
    async with one_camera() as (site, camera), Client(camera.rtsp_port) as client:
        await client.play()
        assert await client.collect(0.3)
        await site.set_fault("gate", Fault.SILENT)
        await client.collect(0.1)
        assert await client.collect(1.0) == []
        assert (await client.request("GET_PARAMETER")).status == 200
        await site.set_fault("gate", Fault.NONE)
        assert await client.collect(0.5)


async def test_a_silent_camera_accepts_new_sessions_and_sends_nothing() -> None:
    async with one_camera() as (site, camera), Client(camera.rtsp_port) as client:
        await site.set_fault("gate", Fault.SILENT)
        assert (await client.play()).status == 200
        assert await client.collect(0.5) == []


@pytest.mark.parametrize("codec", list(Codec))
async def test_a_frozen_camera_shows_the_same_picture_for_ever(codec: Codec) -> None:
    async with one_camera(codec) as (site, camera):
        await site.set_fault("gate", Fault.FROZEN)
        told = await pyav(with_credentials(url(camera)), 55)
        assert told["error"] is None
        assert set(told["changes"]) == {0.0}
        assert told["frames"][0]["mean"] > 50


@pytest.mark.parametrize("codec", list(Codec))
async def test_a_camera_that_goes_black_does_so_for_viewers_already_there(codec: Codec) -> None:
    async with one_camera(codec) as (site, camera):
        playing = asyncio.create_task(pyav(with_credentials(url(camera)), 75))
        while not camera.channels[0].viewers:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        await site.set_fault("gate", Fault.BLACK)
        told = await playing
        assert told["error"] is None
        means = [frame["mean"] for frame in told["frames"]]
        assert means[0] > 50
        assert means[-1] < 20


@pytest.mark.slow
async def test_a_slow_camera_sends_a_twentieth_and_its_media_time_lags() -> None:
    async with one_camera() as (site, camera), Client(camera.rtsp_port) as client, Client(camera.rtsp_port) as other:
        await client.play()
        await other.play()
        usual = await client.count_bytes(2.0)
        await site.set_fault("gate", Fault.SLOW)
        await client.count_bytes(0.2)
        slow = await client.count_bytes(3.0)
        assert 0 < slow / 3.0 < 0.12 * usual / 2.0
        await other.collect(0.1)  # all that came so far, for its buffer is full of it
        packets = await other.collect(2.5)
        times = sorted({struct.unpack_from(">I", packet, 4)[0] for channel, packet in packets if channel == 0})
        assert 0 < times[-1] - times[0] <= 0.2 * 90_000
        # The answer has to wait for the half packet before it, but it comes, and the framing holds.
        assert (await other.request("GET_PARAMETER")).status == 200
        await site.set_fault("gate", Fault.NONE)
        assert len(await other.collect(0.5)) > 10


async def test_a_camera_gone_mad_sends_junk_that_no_player_can_decode() -> None:
    async with one_camera() as (site, camera), Client(camera.rtsp_port) as client:
        await site.set_fault("gate", Fault.GARBAGE)
        played = await ffmpeg(with_credentials(url(camera)), 1, within_s=20)
        assert played.frames == 0
        assert played.complaints
        await client.play()
        with pytest.raises(AssertionError, match="not an interleaved packet"):
            await client.collect(10)


async def test_a_server_that_ends_says_goodbye_and_does_it_again_a_second_after_each_play() -> None:
    async with one_camera() as (site, camera):
        async with Client(camera.rtsp_port) as client:
            await client.play()
            await client.collect(1.5)
            await site.set_fault("gate", Fault.END)
            assert await client.closed_within(2)
            channel, last = client.packets[-1]
            assert channel == 1
            assert struct.pack(">BBH", 0x81, 203, 1) in last
        played = await ffmpeg(with_credentials(url(camera)), 5)
        assert played.complaints == ""
        assert 15 <= played.frames <= 30


async def clock_of(device: SimulatedDevice) -> datetime:
    body = (
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
        b'<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
    )
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        text = (await client.post(f"http://127.0.0.1:{device.onvif_port}/onvif/device_service", content=body)).text
    utc = text.split("<tt:UTCDateTime>")[1]
    year, month, day, hour, minute, second = (
        int(utc.split(f"<tt:{name}>")[1].split("<")[0]) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")
    )
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


async def test_a_wrong_clock_is_an_hour_behind_in_onvif_in_rtcp_and_in_judging_tokens() -> None:
    async with one_camera(auth_mode=AuthMode.WSSE) as (site, camera), Client(camera.rtsp_port) as client:
        await site.set_fault("gate", Fault.CLOCK_WRONG)
        behind = datetime.now(UTC) - await clock_of(camera)
        assert timedelta(minutes=59) < behind < timedelta(minutes=61)
        assert "not authorized" in (await onvif_zeep(camera.onvif_port))["error"]
        assert (await onvif_zeep(camera.onvif_port, "operator", PASSWORD, "adjust"))["maker"] == "Simulated"
        await client.play()
        _, report = (await client.collect(0.3))[0]
        seconds = struct.unpack_from(">I", report, 8)[0] - 2_208_988_800
        assert 3500 < datetime.now(UTC).timestamp() - seconds < 3700


async def test_a_wrong_address_is_named_everywhere_although_the_camera_answers_here() -> None:
    async with one_camera(auth_mode=AuthMode.NONE) as (site, camera):
        await site.set_fault("gate", Fault.ADDRESS_WRONG)
        body = (
            b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
            b'<GetStreamUri xmlns="http://www.onvif.org/ver10/media/wsdl"><ProfileToken>main</ProfileToken></GetStreamUri>'
            b"</s:Body></s:Envelope>"
        )
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            address = f"http://127.0.0.1:{camera.onvif_port}/onvif/device_service"
            uri = (await client.post(address, content=body)).text
            services = (await client.post(address, content=GET_SERVICES)).text
        assert f"<tt:Uri>rtsp://192.0.2.1:{camera.rtsp_port}/main</tt:Uri>" in uri
        assert f"<tds:XAddr>http://192.0.2.1:{camera.onvif_port}/onvif/media_service</tds:XAddr>" in services
        assert "127.0.0.1" not in uri + services
        assert (await ffmpeg(url(camera), 1)).complaints == ""


GET_SERVICES = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    b'<GetServices xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)


async def test_one_channel_of_a_recorder_fails_and_the_other_plays_on() -> None:
    paths = "/stream?channel=1&subtype=0", "/stream?channel=2&subtype=0"
    async with one_recorder(2) as (site, recorder), Client(recorder.rtsp_port, path=paths[1]) as second:
        await second.play()
        await site.set_fault("store-1", Fault.OFF)
        async with Client(recorder.rtsp_port, path=paths[0]) as first:
            assert (await first.signed("DESCRIBE")).status == 404
        await site.set_fault("store-1", Fault.WRONG_PASSWORD)
        async with Client(recorder.rtsp_port, path=paths[0]) as first:
            assert (await first.signed("DESCRIBE")).status == 401
        assert await second.collect(0.3)
        assert (await second.request("GET_PARAMETER")).status == 200
        await site.set_fault("store-1", Fault.NONE)
        async with Client(recorder.rtsp_port, path=paths[0]) as first:
            assert (await first.play()).status == 200


async def test_a_channel_s_own_fault_shows_again_after_that_of_the_recorder() -> None:
    async with one_recorder(2) as (site, recorder):
        await site.set_fault("store-2", Fault.SILENT)
        await site.set_fault("store", Fault.OFF)
        assert await refuses(recorder.rtsp_port)
        await site.set_fault("store", Fault.NONE)
        faults = [stream.mount.fault for channel in recorder.channels for stream in channel.streams]
        assert faults == [Fault.NONE, Fault.NONE, Fault.SILENT, Fault.SILENT]


async def test_a_channel_has_no_clock_of_its_own_and_strangers_have_no_faults() -> None:
    async with one_recorder(2) as (site, _):
        with pytest.raises(FaultNotPossible, match="whole recorder"):
            await site.set_fault("store-1", Fault.CLOCK_WRONG)
        with pytest.raises(UnknownName):
            await site.set_fault("gate", Fault.OFF)
