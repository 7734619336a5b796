"""Keyset pages."""

import pytest

from services.contracts.ids import new_id
from services.storage.paging import CursorInvalid, PageRequest, page_of, page_request


def test_a_cursor_names_the_last_item_and_the_last_page_has_none() -> None:
    ids = sorted(new_id() for _ in range(5))
    first = page_of(ids[:3], PageRequest(2), lambda item: item)
    assert list(first.items) == ids[:2]
    assert first.next_cursor is not None
    request = page_request(2, first.next_cursor)
    assert request.after == ids[1]
    assert page_of(ids[3:], request, lambda item: item).next_cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "@@@@", "A" * 24, "../../etc"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        page_request(10, cursor)
