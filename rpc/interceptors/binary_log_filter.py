"""Which calls a binary log keeps, and how much of them: the syntax of GRPC_BINARY_LOG_FILTER (A16)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import RpcConfigurationError

_NAME = r"[A-Za-z_][A-Za-z0-9_.\-]*"
_RULE = re.compile(
    rf"(?P<negation>-)?(?:(?P<all>\*)|(?P<service>{_NAME})/(?P<method>\*|{_NAME}))(?:\{{(?P<lengths>[^{{}}]*)\}})?"
)
_LENGTHS = re.compile(
    r"(?P<h>h(?::(?P<header>[0-9]{0,18}))?)?(?P<both>;)?(?P<m>m(?::(?P<message>[0-9]{0,18}))?)?"
)


@dataclass(frozen=True, slots=True)
class LogLengths:
    """How many bytes of a list of metadata and of a message are logged. None: all. There is an entry in any case."""

    header: int | None = None
    message: int | None = None


class BinaryLogFilter:
    """The rules of a filter: `lengths("/pkg.Service/Method")` gives what counts for a method, None if it is not logged.

    `text` is a list, separated by commas, of `*`, `pkg.Service/*`, `pkg.Service/Method` and `-pkg.Service/Method` (not
    logged). The most exact rule counts. A rule may end in `{h:BYTES;m:BYTES}`: `{h}` logs metadata, and of messages
    only the length; `{m:256}` the first 256 bytes of messages, and no metadata; `{h;m}` both.

    Raises RpcConfigurationError, with the rule, for anything else.
    """

    def __init__(self, text: str) -> None:
        self._rules: dict[str, LogLengths | None] = {}
        for part in text.split(",") if text else ():
            name, lengths = _parse(part)
            if name in self._rules:
                raise _wrong(part, f"there is another rule for {name}")
            self._rules[name] = lengths

    def lengths(self, path: str) -> LogLengths | None:
        """What is logged of calls to `path`; None: nothing."""
        name = path.removeprefix("/")
        service = name.rpartition("/")[0]
        for candidate in (name, f"{service}/*", "*"):
            if candidate in self._rules:
                return self._rules[candidate]
        return None


def _parse(part: str) -> tuple[str, LogLengths | None]:
    match = _RULE.fullmatch(part)
    if match is None:
        raise _wrong(
            part,
            "it is *, Service/*, Service/Method or -Service/Method, then {h:BYTES;m:BYTES} or nothing",
        )
    name = "*" if match["all"] else f"{match['service']}/{match['method']}"
    if match["negation"]:
        if name.endswith("*"):
            raise _wrong(part, "only a method can be excluded, not a wildcard")
        if match["lengths"] is not None:
            raise _wrong(part, "what is excluded has no lengths")
        return name, None
    return name, LogLengths() if match["lengths"] is None else _parse_lengths(part, match["lengths"])


def _parse_lengths(part: str, text: str) -> LogLengths:
    match = _LENGTHS.fullmatch(text)
    if match is None or not text or bool(match["both"]) != bool(match["h"] and match["m"]):
        raise _wrong(part, "the lengths are {h}, {m}, {h;m}, each with :BYTES or without")
    return LogLengths(_length(match["h"], match["header"]), _length(match["m"], match["message"]))


def _length(named: str | None, digits: str | None) -> int | None:
    if named is None:
        return 0
    return int(digits) if digits else None


def _wrong(part: str, reason: str) -> RpcConfigurationError:
    return RpcConfigurationError(f"binary log filter, rule {part!r}: {reason}")
