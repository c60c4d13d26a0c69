"""Failures of what stands beside a call (credentials, resolvers, balancers), as the call may report them (A54, R49)."""

from __future__ import annotations

from .status import Status, StatusCode

# These belong to applications: a caller would take them for the server's answer about its request.
APPLICATION_CODES = frozenset(
    {
        StatusCode.OK,
        StatusCode.INVALID_ARGUMENT,
        StatusCode.NOT_FOUND,
        StatusCode.ALREADY_EXISTS,
        StatusCode.FAILED_PRECONDITION,
        StatusCode.ABORTED,
        StatusCode.OUT_OF_RANGE,
        StatusCode.DATA_LOSS,
    }
)


def restricted(status: Status, source: str) -> Status:
    """The status to fail a call with when `source` ("the call credentials", …) failed with `status`.

    A code that belongs to applications becomes INTERNAL; the original stands in the message.
    """
    if status.code not in APPLICATION_CODES:
        return status
    original = f"{status.code.name}: {status.message}" if status.message else status.code.name
    message = f"{source} failed with a code that only applications may use ({original})"
    return Status(StatusCode.INTERNAL, message, reached_server=status.reached_server)
