"""What the registry refuses."""

from services.contracts.errors import Conflict, Fault, Invalid, NotFound
from services.contracts.zones import FORBIDDEN_ZONE_DETAIL


class FacilityNotFound(NotFound):
    """No facility has this id within your provinces."""

    code = "facility-not-found"


class CameraNotFound(NotFound):
    """No camera has this id within your provinces."""

    code = "camera-not-found"


class DeviceNotFound(NotFound):
    """No device has this id within your provinces."""

    code = "device-not-found"


class SnapshotNotFound(NotFound):
    """No picture of this camera has been decoded yet."""

    code = "snapshot-not-found"


class FacilityCodeTaken(Conflict):
    """Another facility already has this code."""

    code = "facility-code-taken"

    def __init__(self) -> None:
        super().__init__(faults=(Fault("/code", "is taken by another facility"),))


class FacilityHasCameras(Conflict):
    """The facility still has cameras. Delete them first, or ask for it with ?cascade=true."""

    code = "facility-has-cameras"


class CameraAlreadyRegistered(Conflict):
    """This camera is already registered: the same reach, endpoint and path."""

    code = "camera-already-registered"

    def __init__(self, camera_id: str | None = None) -> None:
        extra = {"camera_id": camera_id} if camera_id else {}
        super().__init__(faults=(Fault("/source", "names a camera that is already registered"),), **extra)


class ProvinceUnknown(Invalid):
    """No province unit has this code."""

    code = "province-unknown"

    def __init__(self, pointer: str = "/province_code") -> None:
        super().__init__(faults=(Fault(pointer, "is not a code of the 63 units of 2021 (or 34 of 2025)"),))


class ZoneForbidden(Invalid):
    code = "zone-forbidden"
    __doc__ = FORBIDDEN_ZONE_DETAIL

    def __init__(self) -> None:
        super().__init__(faults=(Fault("/zone", FORBIDDEN_ZONE_DETAIL),))


class SourceInvalid(Invalid):
    """The source of the camera cannot be accepted."""

    code = "source-invalid"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(faults=(Fault(pointer, detail),))


class AddressRefused(Invalid):
    """The host lies outside the allowed camera networks."""

    code = "address-refused"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(faults=(Fault(pointer, detail),))


class ChannelRequired(Invalid):
    """The device is a recorder with several channels. Register each channel by its profile."""

    code = "channel-required"

    def __init__(self, detail: str, channels: list[dict[str, object]]) -> None:
        super().__init__(faults=(Fault("/source/profile", detail),), channels=channels)


class LeaseNotHeld(Conflict):
    """This worker does not hold the lease on this camera (any more)."""

    code = "lease-not-held"
