"""A process that asks a device with onvif-zeep: ``zeep_client.py PORT USER PASSWORD [adjust]`` writes one line of JSON."""

import importlib.metadata
import json
import sys
from pathlib import Path

from onvif import ONVIFCamera
from onvif.exceptions import ONVIFError


def wsdl_folder() -> str:
    """Where the WSDL files of the package are: not where it looks for them itself."""
    files = importlib.metadata.files("onvif-zeep") or []
    found = next(file for file in files if file.name == "devicemgmt.wsdl")
    return str(Path(str(found.locate())).parent)


def ask(port: int, username: str, password: str, *, adjust: bool) -> dict[str, object]:
    camera = ONVIFCamera("127.0.0.1", port, username, password, wsdl_dir=wsdl_folder(), adjust_time=adjust)
    device, media = camera.devicemgmt, camera.create_media_service()
    about = device.GetDeviceInformation()
    clock = device.GetSystemDateAndTime().UTCDateTime
    profiles = media.GetProfiles()
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    uris = {
        profile.token: media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token}).Uri
        for profile in profiles
    }
    interface = device.GetNetworkInterfaces()[0]
    return {
        "maker": about.Manufacturer,
        "model": about.Model,
        "serial": about.SerialNumber,
        "firmware": about.FirmwareVersion,
        "clock": [clock.Date.Year, clock.Date.Month, clock.Date.Day, clock.Time.Hour, clock.Time.Minute],
        "hostname": device.GetHostname().Name,
        "mac": interface.Info.HwAddress,
        "scopes": [scope.ScopeItem for scope in device.GetScopes()],
        "services": {service.Namespace: service.XAddr for service in device.GetServices({"IncludeCapability": True})},
        "media_xaddr": device.GetCapabilities({"Category": "All"}).Media.XAddr,
        "sources": [[source.token, source.Resolution.Width] for source in media.GetVideoSources()],
        "profiles": {
            profile.token: [
                profile.Name,
                profile.VideoSourceConfiguration.SourceToken,
                profile.VideoEncoderConfiguration.Encoding,
                profile.VideoEncoderConfiguration.Resolution.Width,
                profile.VideoEncoderConfiguration.RateControl.FrameRateLimit,
            ]
            for profile in profiles
        },
        "one": media.GetProfile({"ProfileToken": profiles[0].token}).Name,
        "uris": uris,
        "snapshot": media.GetSnapshotUri({"ProfileToken": profiles[0].token}).Uri,
    }


def main(port: str, username: str, password: str, *options: str) -> None:
    try:
        told = ask(int(port), username, password, adjust="adjust" in options)
    except ONVIFError as error:
        told = {"error": str(error)}
    sys.stdout.write(json.dumps(told) + "\n")


main(*sys.argv[1:])
