"""Addresses within the console. Pure."""

from urllib.parse import quote, urlsplit

HOME = "/"
_LENGTH_MAX = 1000
_DOORS = frozenset({"/sign-in", "/sign-out", "/language"})


def safe_path(target: str | None) -> str:
    """The target if it is a path of this site, else the overview.

    Browsers read a backslash as a slash and drop tabs and line breaks, so ``/\\evil.example`` leads away as
    ``//evil.example`` does (WHATWG URL Standard, section 4.4). Whatever is not printable ASCII is refused.
    """
    if not target or len(target) > _LENGTH_MAX or not target.isascii() or not target.isprintable():
        return HOME
    if not target.startswith("/") or target.startswith("//") or "\\" in target or " " in target:
        return HOME
    try:
        parts = urlsplit(target)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else target


def safe_next(target: str | None) -> str:
    """Where to go after signing in: like ``safe_path``, but never back to where one signs in or out."""
    path = safe_path(target)
    return HOME if urlsplit(path).path in _DOORS else path


def with_next(path: str, target: str) -> str:
    """The path with the target as its ``next``, unless that is the overview anyway."""
    return path if target == HOME else f"{path}?next={quote(target, safe='/')}"
