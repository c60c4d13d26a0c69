"""The grpc-timeout header: a duration in at most eight digits and a unit (PROTOCOL-HTTP2, "Timeout")."""

from __future__ import annotations

import re

_SECONDS_PER_UNIT = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_UNITS_FINE_TO_COARSE = ((b"n", 1e9), (b"u", 1e6), (b"m", 1e3), (b"S", 1.0), (b"M", 1 / 60), (b"H", 1 / 3600))
_MAX_VALUE = 99_999_999  # eight digits
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")


def encode_timeout(seconds: float) -> bytes:
    """A duration in the finest unit that holds it in eight digits, rounded up.

    What is longer than eight digits of hours is clamped to that; what is not positive becomes one nanosecond, since
    the header has to be positive (R33).
    """
    for unit, per_second in _UNITS_FINE_TO_COARSE:
        value = seconds * per_second
        if value <= _MAX_VALUE:
            whole = int(value)
            whole += whole < value
            return b"%d%b" % (max(1, whole), unit)
    return b"%dH" % _MAX_VALUE


def decode_timeout(text: bytes) -> float:
    """The duration in seconds. Raises ValueError for text that is not a grpc-timeout (R34)."""
    match = _TIMEOUT.fullmatch(text)
    if match is None:
        raise ValueError(f"grpc-timeout {text[:32]!r} is not 1 to 8 digits and one of H M S m u n")
    return int(match[1]) * _SECONDS_PER_UNIT[match[2]]
