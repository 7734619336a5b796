"""What a camera may look at. The zones are those of the committee's letter 4403 of 30 May 2021."""

from enum import StrEnum


class Zone(StrEnum):
    """A viewing position in a facility, always in its public part."""

    GATE = "gate"
    YARD = "yard"
    FLOOR_LOBBY = "floor_lobby"
    CORRIDOR = "corridor"
    RECEPTION = "reception"
    SAMPLING = "sampling"
    MEDICAL_CHECK = "medical_check"
    GOODS_HANDOVER = "goods_handover"
    OUTSIDE_WASHROOM = "outside_washroom"
    OTHER_PUBLIC = "other_public"


#: Where no camera may look: the private rooms of quarantined people. Asking for one is refused with this reason.
FORBIDDEN_ZONES = frozenset({"inside_room", "toilet", "bathroom"})

FORBIDDEN_ZONE_DETAIL = (
    "Cameras may not look into rooms, toilets or bathrooms: it would violate the privacy of the people in quarantine. "
    "Choose the public zone in front of it, such as corridor or outside_washroom."
)
