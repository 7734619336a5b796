"""Starts the ONVIF service of ipycam 1.3.0, a camera that none of us wrote: ``python -m tests.harness.ipycam_peer``.

Its own entry point listens on all interfaces and joins multicast groups. This one serves the same HTTP handler, with
ONVIF and its WS-Security, on one address, and nothing else unless asked. The RTSP addresses it names may be those of
another server.
Needs the system libraries that OpenCV links to (Debian: libgl1, libglib2.0-0).
"""

import argparse
import json
import socketserver

from ipycam import CameraConfig, IPCamera, IPCameraHTTPHandler
from ipycam.discovery import WSDiscoveryServer


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--named-address", default="127.0.0.1", help="the address it gives for itself, as behind NAT")
    parser.add_argument("--rtsp-port", type=int, default=8554)
    parser.add_argument("--main", default="video_main")
    parser.add_argument("--sub", default="video_sub")
    parser.add_argument("--username", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--discovery", action="store_true", help="answer WS-Discovery: in a network of its own only")
    options = parser.parse_args()
    with _Server((options.address, options.port), IPCameraHTTPHandler) as server:
        port = server.server_address[1]
        config = CameraConfig(
            name="Sentry post camera",
            local_ip=options.named_address,
            onvif_port=port,
            rtsp_port=options.rtsp_port,
            username=options.username,
            password=options.password,
            main_stream_name=options.main,
            sub_stream_name=options.sub,
        )
        IPCameraHTTPHandler.camera = camera = IPCamera(config)
        if options.discovery:
            WSDiscoveryServer(camera.onvif).start()
        print(json.dumps({"port": port}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
