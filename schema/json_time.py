"""Timestamp and Duration as JSON writes them: RFC 3339, and decimal seconds.

Spec: the comments in google/protobuf/timestamp.proto and duration.proto.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from .json_errors import JsonError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND = -62_135_596_800  # 0001-01-01T00:00:00Z
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_MAX_DURATION = 315_576_000_000  # seconds, about 10,000 years
_SECOND = 1_000_000_000  # in nanoseconds
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_DURATION = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s")


def format_timestamp(seconds: int, nanos: int) -> str:
    """`1972-01-01T10:00:20.021Z`. Raises JsonError outside of the years 1 to 9999."""
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise JsonError(f"{seconds} seconds is no Timestamp: the years 1 to 9999 are")
    if not 0 <= nanos < _SECOND:
        raise JsonError(f"{nanos} nanos is no part of a Timestamp: 0 to 999999999 are")
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat()}{_fraction(nanos)}Z"


def parse_timestamp(text: str) -> tuple[int, int]:
    """Seconds and nanos of an RFC 3339 text. Raises JsonError."""
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        raise JsonError(f"{text!r} is not a Timestamp such as 1972-01-01T10:00:20.021Z")
    moment, fraction, sign, hours, minutes = match.groups()
    try:
        since = datetime.fromisoformat(moment + "+00:00") - _EPOCH
    except ValueError as error:
        raise JsonError(f"{text!r} is not a Timestamp: {error}") from None
    seconds = since.days * 86400 + since.seconds
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise JsonError(f"{text!r} is not a Timestamp: no such offset from UTC")
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds += offset if sign == "-" else -offset
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise JsonError(f"{text!r} is not a Timestamp: in UTC, it lies outside of the years 1 to 9999")
    return seconds, int((fraction or "").ljust(9, "0"))


def format_duration(seconds: int, nanos: int) -> str:
    """`-1.500s`. Raises JsonError beyond 10,000 years or when the signs differ."""
    if abs(seconds) > _MAX_DURATION:
        raise JsonError(f"{seconds} seconds is no Duration: at most {_MAX_DURATION} are")
    if abs(nanos) >= _SECOND:
        raise JsonError(f"{nanos} nanos is no part of a Duration: up to 999999999 are")
    if (seconds < 0 < nanos) or (nanos < 0 < seconds):
        raise JsonError(f"{seconds} seconds and {nanos} nanos of a Duration differ in sign")
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"


def parse_duration(text: str) -> tuple[int, int]:
    """Seconds and nanos of a text like `1.5s`. Raises JsonError."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise JsonError(f"{text!r} is not a Duration such as 1.5s")
    sign, whole, fraction = match.groups()
    seconds, nanos = int(whole), int((fraction or "").ljust(9, "0"))
    if seconds > _MAX_DURATION:
        raise JsonError(f"{text!r} is not a Duration: at most {_MAX_DURATION} seconds are")
    return (-seconds, -nanos) if sign else (seconds, nanos)


def _fraction(nanos: int) -> str:
    """As 0, 3, 6 or 9 digits, whichever is enough."""
    if nanos == 0:
        return ""
    digits = f"{nanos:09}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f".{digits}"
