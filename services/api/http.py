"""Small things of HTTP that several routes share: pages, entity tags."""

import re
from typing import Annotated

from fastapi import Depends, Header, Query, Response

from services.contracts.errors import Fault, Invalid
from services.storage.paging import LIMIT_MAX, PageRequest, page_request


def _page(
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Most items in the answer.")] = 100,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
) -> PageRequest:
    return page_request(limit, cursor)


PageQuery = Annotated[PageRequest, Depends(_page)]


def _if_match(
    if_match: Annotated[
        str | None, Header(description="ETag of the version you read; the change is refused if stale.")
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    match = re.fullmatch(r'\s*"(\d{1,18})"\s*', if_match)
    if match is None:
        raise Invalid("If-Match must be one ETag as we gave it.", faults=(Fault("/If-Match", "is not such an ETag"),))
    return int(match[1])


IfMatch = Annotated[int | None, Depends(_if_match)]


def tag(response: Response, version: int) -> None:
    """Give the answer the ETag of this version."""
    response.headers["ETag"] = f'"{version}"'
