"""Binary logs (A16): what passes in each call, as a stream of grpc.binarylog.v1.GrpcLogEntry."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable
from os import PathLike
from typing import Any, BinaryIO, Literal

from ...schema import wkt
from ...wire.delimited import write_delimited
from ..arguments import FUNCTION, TEXT, check_arguments, either, having, instance
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..metadata import Metadata, MetadataValue
from ..observer import CallObserver
from ..services.bundled import bundled
from ..status import Status, StatusCode
from .binary_log_filter import BinaryLogFilter, LogLengths

logger = logging.getLogger("barewire.rpc.binary_log")

_ALWAYS_LOGGED = "grpc-trace-bin"  # whatever the limit, and not counted in it
_TRANSPORT = frozenset({"user-agent"})  # delivered with the metadata, but not the application's

_ARGUMENTS = {
    "file": either(TEXT, instance(PathLike), having("an open binary file", "write")),
    "filter": instance(str),
    "clock": FUNCTION,
}

_Kind = Literal[
    "CLIENT_HEADER",
    "SERVER_HEADER",
    "CLIENT_MESSAGE",
    "SERVER_MESSAGE",
    "CLIENT_HALF_CLOSE",
    "SERVER_TRAILER",
    "CANCEL",
]


class BinaryLog(Interceptor):
    """Writes entries to a file; one object may serve several channels and servers.

        with BinaryLog("calls.binlog", "bookstore.Bookstore/*{h:512;m:4096}") as log:
            async with rpc.Channel("…", interceptors=[log]) as channel: ...

    - `file`: a path, which is opened for appending, or a binary file, which stays open at the end. Entries are length-
      delimited. Writing blocks; if it fails, that is logged once, the entry is lost and the call goes on.
    - `filter`: see BinaryLogFilter. GRPC_BINARY_LOG_FILTER is not read from the environment; pass it if you like.
    - `clock`: the wall clock, in nanoseconds since 1970.

    Of several attempts of a call only the one that counted is logged. Secrets are logged like everything else: give
    CallCredentials after this interceptor, so that what they add is not.
    """

    def __init__(
        self,
        file: str | PathLike[str] | BinaryIO,
        filter: str = "*",
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._filter = BinaryLogFilter(filter)
        self._clock = clock
        self._call_ids = itertools.count(1)
        self._lock = threading.Lock()  # channels of several threads may share it
        self._failing = False
        self._owned = isinstance(file, (str, PathLike))
        self._file: BinaryIO = open(file, "ab") if isinstance(file, (str, PathLike)) else file  # noqa: SIM115
        self._schema: Any = bundled("grpc/binlog/v1/binarylog.proto")

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        lengths = self._filter.lengths(call.method)
        if lengths is not None:
            entries = _CallEntries(self, self._schema, call, next(self._call_ids), lengths)
            entries.begin()
            call.observe(entries)
        await proceed()

    def write(self, entry: Any) -> None:
        """Write one GrpcLogEntry, with the time of now."""
        seconds, nanos = divmod(self._clock(), 10**9)
        entry.timestamp = wkt.Timestamp(seconds=seconds, nanos=nanos)
        try:
            with self._lock:
                write_delimited(self._file, entry)
            self._failing = False
        except Exception:  # a full disk; a closed file; one of the user's making
            if not self._failing:
                logger.exception("the binary log cannot be written")
            self._failing = True

    def flush(self) -> None:
        with self._lock:
            self._file.flush()

    def close(self) -> None:
        """Flush, and close the file if it was opened here."""
        with self._lock:
            if not self._file.closed:
                self._file.flush()
                if self._owned:
                    self._file.close()

    def __enter__(self) -> BinaryLog:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class _CallEntries(CallObserver):
    """The entries of one call."""

    def __init__(
        self, log: BinaryLog, schema: Any, call: InterceptedCall, call_id: int, lengths: LogLengths
    ) -> None:
        self._log = log
        self._schema = schema
        self._call_id = call_id
        self._lengths = lengths
        self._sequence = 0
        self._call = call
        self._client = call.side == "client"
        self._peer_logged = False
        self._half_closed = False

    # -- what happens ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        call = self._call
        metadata, truncated = self._metadata(call.metadata)
        header = self._schema.ClientHeader(
            metadata=metadata, method_name=call.method, authority=call.authority
        )
        if call.timeout is not None:
            nanos = max(0, round(call.timeout * 1e9))
            header.timeout = wkt.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
        self._write(
            "CLIENT_HEADER", from_peer=not self._client, client_header=header, payload_truncated=truncated
        )

    def head(self, metadata: Metadata) -> None:
        logged, truncated = self._metadata(metadata)
        header = self._schema.ServerHeader(metadata=logged)
        self._write(
            "SERVER_HEADER", from_peer=self._client, server_header=header, payload_truncated=truncated
        )

    def sent(self, payload: bytes, wire_size: int) -> None:
        self._message("CLIENT_MESSAGE" if self._client else "SERVER_MESSAGE", payload)

    def received(self, payload: bytes, wire_size: int) -> None:
        self._message("SERVER_MESSAGE" if self._client else "CLIENT_MESSAGE", payload)

    def half_closed(self) -> None:
        if not self._half_closed:
            self._half_closed = True
            self._write("CLIENT_HALF_CLOSE")

    def ended(self, status: Status) -> None:
        if status.code is StatusCode.CANCELLED and not (self._client and status.from_peer):
            self._write("CANCEL")
            return
        metadata, truncated = self._metadata(status.trailing_metadata)
        trailer = self._schema.Trailer(
            metadata=metadata,
            status_code=int(status.code),
            status_message=status.message,
            status_details=status.details,
        )
        self._write(
            "SERVER_TRAILER",
            from_peer=self._client and status.from_peer,
            trailer=trailer,
            payload_truncated=truncated,
        )

    # -- entries --------------------------------------------------------------------------------------------------

    def _message(self, kind: _Kind, payload: bytes) -> None:
        limit = self._lengths.message
        data = payload if limit is None else payload[:limit]
        message = self._schema.Message(length=len(payload), data=data)
        self._write(kind, message=message, payload_truncated=len(data) < len(payload))

    def _metadata(self, metadata: Iterable[tuple[str, MetadataValue]]) -> tuple[Any, bool]:
        """The pairs as far as the limit goes, and whether any are missing."""
        entries: list[Any] = []
        left, truncated = self._lengths.header, False
        for key, value in metadata:
            if (key.startswith("grpc-") and key != _ALWAYS_LOGGED) or key in _TRANSPORT:
                continue
            data = value.encode("latin-1") if isinstance(value, str) else value
            if left is not None and key != _ALWAYS_LOGGED:
                truncated = truncated or len(key) + len(data) > left
                if truncated:  # what comes after it is not logged either
                    continue
                left -= len(key) + len(data)
            entries.append(self._schema.MetadataEntry(key=key, value=data))
        return self._schema.Metadata(entry=entries), truncated

    def _write(self, kind: _Kind, *, from_peer: bool = False, **payload: Any) -> None:
        self._sequence += 1
        entry = self._schema.GrpcLogEntry(
            call_id=self._call_id,
            sequence_id_within_call=self._sequence,
            type=self._schema.GrpcLogEntry.EventType[f"EVENT_TYPE_{kind}"],
            logger=self._schema.GrpcLogEntry.Logger["LOGGER_CLIENT" if self._client else "LOGGER_SERVER"],
            **payload,
        )
        if from_peer and not self._peer_logged:
            self._peer_logged = True
            entry.peer = self._address()
        self._log.write(entry)

    def _address(self) -> Any:
        peer, address = self._call.peer, self._schema.Address
        kind, _, rest = peer.partition(":")
        if kind in ("ipv4", "ipv6"):
            host, _, port = rest.rpartition(":")
            return address(
                type=address.Type[f"TYPE_{kind.upper()}"], address=host.strip("[]"), ip_port=int(port)
            )
        if kind.startswith("unix"):
            return address(type=address.Type.TYPE_UNIX, address=rest)
        return address(type=address.Type.TYPE_UNKNOWN, address=peer)
