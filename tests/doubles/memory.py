"""How much memory a value holds."""

import dataclasses
import sys
from collections.abc import Iterable

import numpy as np


def held_bytes(value: object) -> int:
    """Bytes of a value and of all it refers to, each object once; classes and small constants apart."""
    seen: set[int] = set()

    def held(one: object) -> int:
        if one is None or isinstance(one, (bool, type)) or id(one) in seen:
            return 0
        seen.add(id(one))
        own = sys.getsizeof(one)
        if isinstance(one, np.ndarray):
            # A view keeps its base alive, which is counted in its place.
            return own + (held(one.base) if one.base is not None else 0)
        return own + sum(held(part) for part in _parts(one))

    return held(value)


def _parts(value: object) -> Iterable[object]:
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, (tuple, list, set, frozenset)):
        return value
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [getattr(value, name) for name in slots] + list(getattr(value, "__dict__", {}).values())
