"""Error details: google.rpc.Status in `grpc-status-details-bin` (R32)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..schema import wkt
from .services.bundled import bundled
from .status import StatusCode

if TYPE_CHECKING:
    from ..wire.message import Message


def _status_class() -> Any:
    return bundled("google/rpc/status.proto").Status


def pack_details(code: StatusCode, message: str, details: Iterable[Message]) -> bytes:
    """A serialized google.rpc.Status. Details that are not google.protobuf.Any are packed into one each."""
    any_class: Any = wkt.Any
    packed: list[Any] = []
    for detail in details:
        packed.append(detail if isinstance(detail, any_class) else any_class.pack(detail))
    return _status_class()(code=int(code), message=message, details=packed).encode()


def unpack_details(data: bytes) -> Sequence[Any]:
    """The details in a serialized google.rpc.Status, each a google.protobuf.Any; none if it cannot be decoded."""
    try:
        return _status_class().decode(data).details
    except ValueError:  # the status itself has arrived; its decoration is not worth failing for
        return []
