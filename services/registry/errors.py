"""What the registry refuses."""

from collections.abc import Sequence

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

    def __init__(self, pointer: str = "/zone") -> None:
        super().__init__(faults=(Fault(pointer, FORBIDDEN_ZONE_DETAIL),))


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


class TargetsRefused(Invalid):
    """These targets cannot be searched; see errors."""

    code = "targets-refused"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults=faults)


class FindingsRefused(Invalid):
    """Some findings cannot be taken; see errors."""

    code = "findings-refused"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults=faults)


class DiscoveryNotFound(NotFound):
    """No search has this id within your provinces."""

    code = "discovery-not-found"


class TooManyDiscoveries(Conflict):
    """Two searches of this facility are still running. Wait until one has ended, or cancel one."""

    code = "too-many-discoveries"


class NothingToRepeat(Conflict):
    """These findings were made on site; there is nothing that a worker could look at again."""

    code = "nothing-to-repeat"


class NotAdoptable(Conflict):
    """Some of these devices cannot be adopted; `left_out` says why."""

    code = "not-adoptable"

    def __init__(self, faults: Sequence[Fault], left_out: list[dict[str, object]]) -> None:
        super().__init__(faults=faults, left_out=left_out)


class NotAmongFindings(Invalid):
    """Something of this was not found by this search; see errors."""

    code = "not-among-findings"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults=faults)


class CredentialSetNotFound(NotFound):
    """No set of credentials has this id within your provinces."""

    code = "credential-set-not-found"


class TooManyCredentialSets(Conflict):
    """A site may have eight sets of credentials. Change or remove one."""

    code = "too-many-credential-sets"


class IdentityUndecided(Conflict):
    """Another registered device has this address. Remove that one, or give it its own address, first."""

    code = "identity-undecided"


class NotAnOnvifDevice(Conflict):
    """This device is registered by its RTSP address and does not speak ONVIF with us."""

    code = "not-an-onvif-device"


class DeviceRefused(Conflict):
    """The device did not do it; `reason` says why."""

    code = "device-refused"

    def __init__(self, reason: str, en: str, vi: str) -> None:
        super().__init__(en, reason=reason, advice={"en": en, "vi": vi})


class BudgetSpent(Conflict):
    """The device refused passwords lately. Wait an hour before others are tried, or it may lock the account."""

    code = "budget-spent"


class LeaseNotHeld(Conflict):
    """This worker does not hold the lease on this camera (any more)."""

    code = "lease-not-held"
