"""Who is calling: a server that asks for bearer tokens (RFC 6750, in the metadata key `authorization`)."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from ..arguments import FUNCTION, TEXTS, check_arguments
from ..errors import RpcError
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..status import StatusCode

# Whoever watches over a server or explores it has no token.
OPEN_SERVICES = (
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
)

_ARGUMENTS = {"check": FUNCTION, "exempt": TEXTS}

CheckToken = Callable[[str, InterceptedCall], Any | Awaitable[Any]]


class BearerAuthentication(Interceptor):
    """For a server: lets a call through when `check(token, call)` says who makes it.

    `check` may be a plain function or a coroutine function. What it returns is the principal, `context.principal` in
    handlers. None stands for a token that is not accepted: UNAUTHENTICATED, as for a missing or malformed one (R48). A
    PermissionError stands for somebody who is known but may not: PERMISSION_DENIED, with its text. An RpcError passes
    as it is. Any other exception is a fault of the server, and its text does not reach the client.

    `exempt` are methods ("/pkg.Service/Method") and services ("pkg.Service") that need no token; by default health and
    reflection.
    """

    def __init__(self, check: CheckToken, *, exempt: Collection[str] = OPEN_SERVICES) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._check = check
        self._exempt = frozenset(exempt)

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        if call.method not in self._exempt and call.service not in self._exempt:
            call.principal = await self._authenticate(call)
        await proceed()

    async def _authenticate(self, call: InterceptedCall) -> Any:
        token = bearer_token(call)
        try:
            principal = self._check(token, call)
            if inspect.isawaitable(principal):
                principal = await principal
        except PermissionError as error:
            raise RpcError(StatusCode.PERMISSION_DENIED, str(error) or "permission denied") from error
        if principal is None:
            raise RpcError(StatusCode.UNAUTHENTICATED, "the bearer token is not accepted")
        return principal


def bearer_token(call: InterceptedCall) -> str:
    """The call's bearer token. Raises RpcError (UNAUTHENTICATED) unless there is exactly one."""
    values = call.metadata.get_all("authorization")
    if not values:
        raise RpcError(StatusCode.UNAUTHENTICATED, "a bearer token is needed (metadata key: authorization)")
    scheme, _, token = str(values[0]).partition(" ")
    token = token.strip()
    if len(values) > 1 or scheme.lower() != "bearer" or not token or " " in token:
        raise RpcError(StatusCode.UNAUTHENTICATED, "authorization must be 'Bearer', a space and one token")
    return token
