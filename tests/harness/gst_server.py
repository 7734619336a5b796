"""An RTSP server that none of us wrote: gst-rtsp-server of Debian, with cameras of our choice and digest authentication.

Two halves in one file. Run by ``/usr/bin/python3`` (which has the gi bindings; the venv has not) it is the server; it
prints one JSON line ``{"port": …, "mounts": […]}`` when it listens, and ends on SIGTERM or when its stdin closes.
Imported, it offers ``GstServer``, which runs the first half as a process. Importing needs no gi.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SYSTEM_PYTHON = "/usr/bin/python3"
_START_S = 20.0
_STOP_S = 5.0

_ENCODERS = {
    "h264": "x264enc tune=zerolatency sliced-threads=false speed-preset=ultrafast bitrate={bitrate_kbps} key-int-max={gop} bframes=0 "
    "! video/x-h264,profile=main ! h264parse ! rtph264pay name=pay0 pt=96 config-interval={config_interval}",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate={bitrate_kbps} key-int-max={gop} "
    "! h265parse ! rtph265pay name=pay0 pt=96 config-interval={config_interval}",
    "mjpeg": "jpegenc quality=60 ! rtpjpegpay name=pay0 pt=26",
}
_AUDIO = " audiotestsrc is-live=true volume=0.1 ! audioconvert ! audioresample ! alawenc ! rtppcmapay name=pay1 pt=8"


@dataclass(frozen=True)
class GstMount:
    """One camera. ``pattern`` is one of videotestsrc's: ball, smpte, snow, black …; ``size`` is WIDTHxHEIGHT."""

    path: str = "/cam"
    codec: str = "h264"
    pattern: str = "ball"
    fps: int = 25
    bitrate_kbps: int = 1000
    gop: int = 25
    size: str = "640x360"
    #: -1: parameter sets with every key frame; 0: only in the SDP; n: every n seconds.
    config_interval: int = -1
    audio: bool = False
    #: Media over UDP only, as some cameras have it: SETUP over TCP is answered with 461.
    udp_only: bool = False
    #: One encoder for all clients of the mount.
    shared: bool = True

    def pipeline(self) -> str:
        """The launch line for gst-rtsp-server."""
        width, _, height = self.size.partition("x")
        encoder = _ENCODERS[self.codec].format(**asdict(self))
        source = (
            f"videotestsrc is-live=true pattern={self.pattern} ! "
            f"video/x-raw,format=I420,width={int(width)},height={int(height)},framerate={self.fps}/1 ! {encoder}"
        )
        return f"( {source}{_AUDIO if self.audio else ''} )"

    def argument(self) -> str:
        """The mount as a value of ``--mount``."""
        return ",".join(f"{name}={value}" for name, value in asdict(self).items())


def parse_mount(text: str) -> GstMount:
    """The reverse of ``GstMount.argument``; members that are left out keep their defaults."""
    given = dict(part.split("=", 1) for part in text.split(",") if part)
    kinds = {name: type(value) for name, value in asdict(GstMount()).items()}
    unknown = set(given) - set(kinds)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown members: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {
        name: value == "True" if kinds[name] is bool else kinds[name](value) for name, value in given.items()
    }
    return GstMount(**values)


class GstServer:
    """The server as a process: ``async with GstServer([GstMount()], user="u", password="p") as server: server.port``."""

    def __init__(
        self,
        mounts: Sequence[GstMount] = (GstMount(),),
        *,
        user: str | None = None,
        password: str = "",
        port: int = 0,
        bind: str = "127.0.0.1",
        certificate: Path | None = None,
    ) -> None:
        """``certificate``: a PEM file of certificate and key; then it speaks RTSPS and nothing else."""
        self.mounts = tuple(mounts)
        self.user = user
        self.password = password
        self.port = port
        self._bind = bind
        self.certificate = certificate
        self._process: asyncio.subprocess.Process | None = None

    def url(self, path: str = "/cam") -> str:
        """The URL of a mount, without credentials."""
        return f"{'rtsps' if self.certificate else 'rtsp'}://{self._bind}:{self.port}{path}"

    async def start(self) -> None:
        """Start it and wait until it listens. A stopped server starts again on the same port."""
        arguments = ["--bind", self._bind, "--port", str(self.port)]
        if self.user is not None:
            arguments += ["--user", self.user, "--password", self.password]
        if self.certificate is not None:
            arguments += ["--certificate", str(self.certificate)]
        for mount in self.mounts:
            arguments += ["--mount", mount.argument()]
        process = await asyncio.create_subprocess_exec(
            SYSTEM_PYTHON,
            str(Path(__file__).resolve()),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._process = process
        assert process.stdout is not None
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"gst-rtsp-server did not start: exit code {await process.wait()}")
        self.port = json.loads(line)["port"]

    async def stop(self) -> None:
        """End it as an administrator would. Idempotent."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it as a power cut would, without a word to its clients. Idempotent."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(number)
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        # The transport of the process is closed by the loop only once its pipes are.
        process._transport.close()  # type: ignore[attr-defined]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()


def serve(
    mounts: Sequence[GstMount], *, bind: str, port: int, user: str | None, password: str, certificate: str | None
) -> None:
    """Serve until SIGTERM or the end of stdin. Needs gi."""
    import importlib

    gi: Any = importlib.import_module("gi")
    for name in ("Gst", "GstRtsp", "GstRtspServer"):
        gi.require_version(name, "1.0")
    glib, gst, rtsp, rtsp_server = (
        importlib.import_module(f"gi.repository.{name}") for name in ("GLib", "Gst", "GstRtsp", "GstRtspServer")
    )
    gst.init(None)
    server = rtsp_server.RTSPServer()
    server.set_address(bind)
    server.set_service(str(port))
    guarded = user is not None or certificate is not None
    if guarded:
        auth = rtsp_server.RTSPAuth()
        token = rtsp_server.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        if certificate is not None:
            gio = importlib.import_module("gi.repository.Gio")
            auth.set_tls_certificate(gio.TlsCertificate.new_from_file(certificate))
        if user is not None:
            auth.set_supported_methods(rtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(user, password, token)
        else:
            auth.set_default_token(token)
        server.set_auth(auth)
    points = server.get_mount_points()
    for mount in mounts:
        factory = rtsp_server.RTSPMediaFactory()
        factory.set_launch(mount.pipeline())
        factory.set_shared(mount.shared)
        if mount.udp_only:
            factory.set_protocols(rtsp.RTSPLowerTrans.UDP)
        if guarded:
            role = "viewer, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
            factory.add_role_from_structure(gst.Structure.from_string(role)[0])
        points.add_factory(mount.path, factory)
    if server.attach(None) == 0:
        raise SystemExit(f"cannot listen on {bind}:{port}")
    loop = glib.MainLoop()
    glib.unix_signal_add(glib.PRIORITY_HIGH, signal.SIGTERM, loop.quit)
    glib.io_add_watch(sys.stdin.fileno(), glib.PRIORITY_DEFAULT, glib.IOCondition.HUP, lambda *_: loop.quit())
    print(json.dumps({"port": server.get_bound_port(), "mounts": [mount.path for mount in mounts]}), flush=True)
    loop.run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--user", help="asks for digest authentication")
    parser.add_argument("--password", default="")
    parser.add_argument("--certificate", help="PEM file of certificate and key, for RTSPS")
    parser.add_argument(
        "--mount", type=parse_mount, action="append", help="path=/cam,codec=h264,pattern=ball,fps=25,… (see GstMount)"
    )
    given = parser.parse_args()
    serve(
        given.mount or [GstMount()],
        bind=given.bind,
        port=given.port,
        user=given.user,
        password=given.password,
        certificate=given.certificate,
    )


if __name__ == "__main__":
    main()
