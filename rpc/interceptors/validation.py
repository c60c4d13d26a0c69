"""Looking at messages before anybody acts on them: a hook for the validator of your choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..arguments import FLAG, FUNCTION, check_arguments
from ..errors import RpcError
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..status import StatusCode


class Violation(NamedTuple):
    """What is wrong with one field: its path ("shelf.books[2].isbn"), and what it should be."""

    field: str
    description: str


class InvalidMessage(ValueError):
    """Raised by a validator that stops at the first fault, or that collects them."""

    def __init__(self, *violations: Violation | tuple[str, str]) -> None:
        self.violations = [Violation(*violation) for violation in violations]
        super().__init__("; ".join(f"{field}: {text}" for field, text in self.violations))


Validator = Callable[[Any], Iterable[Violation | tuple[str, str]] | None]

_ARGUMENTS = {"validate": FUNCTION, "responses": FLAG}


class Validation(Interceptor):
    """Runs `validate(message)` on each request, and on each response if `responses`.

    `validate` returns the violations as (field, description) pairs (none: the message is valid), or raises
    InvalidMessage or any other ValueError. The call of a request that is refused fails with INVALID_ARGUMENT and a
    google.rpc.BadRequest that names the fields. A response that is refused is not the caller's fault: INTERNAL, with
    the same details. What else `validate` raises is a fault of its own.

    On a server requests are looked at before the handler gets them; on a client before they are sent.
    """

    def __init__(self, validate: Validator, *, responses: bool = False) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._validate = validate
        self._responses = responses

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        on_request, on_response = call.on_receive, call.on_send
        if call.side == "client":
            on_request, on_response = on_response, on_request
        on_request(lambda message: self._check(message, StatusCode.INVALID_ARGUMENT))
        if self._responses:
            on_response(lambda message: self._check(message, StatusCode.INTERNAL))
        await proceed()

    def _check(self, message: Any, code: StatusCode) -> None:
        """Raises RpcError for a message that is refused."""
        try:
            violations = [Violation(*violation) for violation in self._validate(message) or ()]
        except InvalidMessage as error:
            violations = error.violations
        except ValueError as error:
            violations = [Violation("", str(error))]
        if violations:
            raise _refusal(code, violations)


def _refusal(code: StatusCode, violations: list[Violation]) -> RpcError:
    from ...schema import wkt
    from ..services.bundled import bundled  # compiled with the first refusal

    what = "request" if code is StatusCode.INVALID_ARGUMENT else "response"
    listed = "; ".join(f"{field}: {text}" if field else text for field, text in violations[:10])
    more = f" (and {len(violations) - 10} more)" if len(violations) > 10 else ""
    error_details: Any = bundled("google/rpc/error_details.proto")
    fields = [
        error_details.BadRequest.FieldViolation(field=field, description=text) for field, text in violations
    ]
    return RpcError(
        code,
        f"the {what} is not valid: {listed}{more}",
        details=[wkt.Any.pack(error_details.BadRequest(field_violations=fields))],
    )
