"""A split deployment over TLS: the worker trusts the API by its authority, and refuses what it does not trust."""

import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import LOGIN
from tests.harness.gst_server import GstServer
from tests.harness.system import System, environment, launch_worker, until_probe_says_ready

CERTIFICATES = Path(__file__).resolve().parents[2] / "deploy" / "make-certificates.sh"


@pytest.mark.timeout(120)
async def test_a_worker_reaches_the_api_by_its_authority_only(
    postgres_url: str, rabbit_url: str, tmp_path: Path, gst: GstServer
) -> None:
    for name in ("ours", "foreign"):
        place = tmp_path / name
        subprocess.run([CERTIFICATES, place, place, "localhost", "127.0.0.1"], check=True, timeout=60)
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    env = environment(
        tmp_path,
        database_url=postgres_url,
        bus_url=rabbit_url,
        tls_cert=str(ours / "tls.crt"),
        tls_key=str(ours / "tls.key"),
        live_link_ttl="30",
    )
    system = System(f"https://localhost:{env['VONGGAC_PORT']}", tmp_path, env)
    system.command("migrate")
    headers = {"Authorization": f"Bearer {system.key('operator')}"}
    trust = ssl.create_default_context(cafile=str(ours / "ca.crt"))
    system.client = httpx.AsyncClient(base_url=system.url, headers=headers, verify=trust, timeout=20)
    worker_key = system.key("worker")
    try:
        for role in ("api", "aggregator"):
            system.launch(role, role)
        await system.until_ready()
        launch_worker(system, "deceived", worker_key, VONGGAC_API_CA=str(foreign / "ca.crt"))
        port = launch_worker(system, "worker", worker_key, VONGGAC_API_CA=str(ours / "ca.crt"))
        await until_probe_says_ready(port)

        facility = await system.facility()
        camera = await system.camera(facility, gst.url("/h264"), login=LOGIN)
        status, _ = await system.until_camera(camera, "online")
        assert status["worker"] == "worker"
        link = (await system.post(f"/v1/cameras/{camera}/live-links", {}))["links"][0]["url"]
        assert link.startswith("https://")
        playlist = await system.client.get(link)
        assert playlist.status_code == 200, "the API fetched from the worker, pinned to its certificate"
        assert "leased" not in system.log_of("deceived"), "it told its key to nobody it does not trust"
        assert system.processes["deceived"].running, "it goes on trying"
    finally:
        started = time.monotonic()
        await system.stop()
        assert time.monotonic() - started < 30


def test_plain_http_beyond_loopback_is_refused_at_the_start(tmp_path: Path) -> None:
    cases = {
        "api": {"host": "0.0.0.0", "bus_url": "amqp://127.0.0.1"},
        "ingest": {"api_url": "http://vonggac-api:8000", "api_key": "vg_x", "bus_url": "amqp://127.0.0.1"},
        "aggregator": {"bus_url": "memory://"},
    }
    for role, settings in cases.items():
        env = environment(tmp_path, **settings)
        system = System("http://127.0.0.1", tmp_path, env)
        process = system.launch(role, role)
        deadline = time.monotonic() + 20
        while process.running and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not process.running, role
        assert "VONGGAC_" in system.log_of(role), "it says which setting to change"
