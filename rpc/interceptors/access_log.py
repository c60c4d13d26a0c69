"""One line for each call, when it is over."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Collection
from typing import Any

from ..arguments import FLAG, FUNCTION, SECONDS_OR_ZERO, TEXT, TEXTS, check_arguments, instance, optional
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..status import StatusCode
from .call_record import CallRecord, Clock

_MAX_ID = 128  # characters of a request id that a peer chose

# Codes that say something is wrong with the service, not with the request.
_SERVICE_FAULTS = frozenset(
    {StatusCode.UNKNOWN, StatusCode.INTERNAL, StatusCode.UNAVAILABLE, StatusCode.DATA_LOSS}
)

_ARGUMENTS = {
    "json_lines": FLAG,
    "slow": optional(SECONDS_OR_ZERO),
    "metadata": TEXTS,
    "request_id": optional(TEXT),
    "skip": TEXTS,
    "logger": optional(instance(logging.Logger)),
    "clock": FUNCTION,
    "new_id": FUNCTION,
}


class AccessLog(Interceptor):
    """Logs every call to `barewire.rpc.access`: at INFO or, if it was slow or the service is at fault, at WARNING.

    The record's `extra` holds `grpc`, a dict: method, side, peer, code, message, duration (seconds), sent, received
    (messages), request_id, slow, and `metadata` if any was asked for.

    - `json_lines`: the line is that dict as JSON, instead of text for people.
    - `slow`: seconds from which a call counts as slow; None: none does.
    - `metadata`: keys whose values are logged. Of all others nothing is: they may be secrets.
    - `request_id`: the metadata key that carries the id of a request; None for no ids. A client sends the one it was
      given or a new one; a server takes the client's or makes one.
    - `skip`: methods ("/pkg.Service/Method") and services ("pkg.Service") that are not logged.
    """

    def __init__(
        self,
        *,
        json_lines: bool = False,
        slow: float | None = None,
        metadata: Collection[str] = (),
        request_id: str | None = "x-request-id",
        skip: Collection[str] = (),
        logger: logging.Logger | None = None,
        clock: Clock = time.monotonic,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._json_lines = json_lines
        self._slow = slow
        self._metadata = tuple(key.lower() for key in metadata)
        self._id_key = request_id
        self._skip = frozenset(skip)
        self._logger = logger or logging.getLogger("barewire.rpc.access")
        self._clock = clock
        self._new_id = new_id

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        if call.method in self._skip or call.service in self._skip:
            await proceed()
            return
        request_id = self._identify(call)
        record = CallRecord(call, self._clock)
        try:
            await record.run(proceed)
        finally:
            self._log(self._fields(call, record, request_id))

    def _identify(self, call: InterceptedCall) -> str | None:
        if self._id_key is None:
            return None
        given = call.metadata.get(self._id_key)
        if isinstance(given, str) and 0 < len(given) <= _MAX_ID:
            return given
        made = self._new_id()
        call.metadata.set(self._id_key, made)
        return made

    def _fields(self, call: InterceptedCall, record: CallRecord, request_id: str | None) -> dict[str, Any]:
        status = record.status
        fields: dict[str, Any] = {
            "side": call.side,
            "method": call.method,
            "peer": call.peer,
            "code": status.code.name,
            "message": status.message,
            "duration": round(record.duration, 6),
            "sent": record.messages_sent,
            "received": record.messages_received,
            "slow": self._slow is not None and record.duration >= self._slow,
        }
        if request_id is not None:
            fields["request_id"] = request_id
        if self._metadata:
            fields["metadata"] = {
                key: [_text(value) for value in call.metadata.get_all(key)]
                for key in self._metadata
                if key in call.metadata
            }
        return fields

    def _log(self, fields: dict[str, Any]) -> None:
        fault = fields["side"] == "server" and StatusCode[fields["code"]] in _SERVICE_FAULTS
        level = logging.WARNING if fields["slow"] or fault else logging.INFO
        if self._logger.isEnabledFor(level):
            line = json.dumps(fields) if self._json_lines else readable(fields)
            self._logger.log(level, "%s", line, extra={"grpc": fields})


def readable(fields: dict[str, Any]) -> str:
    """The line for people; what a peer chose is escaped."""
    line = (
        f"{fields['side']} {_shown(fields['method'])} {fields['code']} in {fields['duration'] * 1000:.1f} ms"
        f" peer={_shown(fields['peer'])} sent={fields['sent']} received={fields['received']}"
    )
    if "request_id" in fields:
        line += f" id={_shown(fields['request_id'])}"
    for key, values in fields.get("metadata", {}).items():
        line += f" {key}={','.join(map(_shown, values))}"
    if fields["slow"]:
        line += " slow"
    if fields["message"]:
        line += f": {_shown(fields['message'])}"
    return line


def _shown(text: str) -> str:
    """Without control characters: a peer could forge lines of the log with them."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()
