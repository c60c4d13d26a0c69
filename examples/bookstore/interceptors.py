"""Two things that most services want around every call: a log and a check of who is calling.

An interceptor wraps the whole call, whatever its shape, and the same class works on both sides.
"""

from __future__ import annotations

import hmac
import json
import logging
import time
from collections.abc import Collection

from barewire import rpc

logger = logging.getLogger("bookstore.calls")


class CallLog(rpc.Interceptor):
    """One line of JSON for each call, when it is over: method, peer, status, time, messages each way."""

    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        sent = received = 0

        def count_sent(message: object) -> None:
            nonlocal sent
            sent += 1

        def count_received(message: object) -> None:
            nonlocal received
            received += 1

        call.on_send(count_sent)
        call.on_receive(count_received)
        started = time.perf_counter()
        code, message = "CANCELLED", ""  # unless it comes to an end of its own
        try:
            await proceed()
            code = "OK"
        except rpc.RpcError as error:
            code, message = error.code.name, error.message
            raise
        except Exception as error:
            code, message = "UNKNOWN", type(error).__name__
            raise
        finally:
            line = {
                "side": call.side,
                "method": call.method,
                "peer": call.peer,
                "code": code,
                "message": message,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "sent": sent,
                "received": received,
            }
            logger.info(json.dumps(line))


class BringToken(rpc.Interceptor):
    """For a channel: adds `authorization: Bearer TOKEN` to the metadata of every call."""

    def __init__(self, token: str) -> None:
        self._value = f"Bearer {token}"

    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        call.metadata.set("authorization", self._value)
        await proceed()


class RequireToken(rpc.Interceptor):
    """For a server: refuses calls that do not bring the token as UNAUTHENTICATED, before the handler runs.

    Calls to the `open_services` need none: whoever watches over the server asks for its health.
    """

    def __init__(self, token: str, open_services: Collection[str] = ("grpc.health.v1.Health",)) -> None:
        self._value = f"Bearer {token}".encode()
        self._open = frozenset(open_services)

    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        if call.method.split("/")[1] not in self._open:
            given = str(call.metadata.get("authorization", "")).encode()
            if not hmac.compare_digest(
                given, self._value
            ):  # takes as long for a wrong token as for a right one
                raise rpc.RpcError(rpc.StatusCode.UNAUTHENTICATED, "a valid bearer token is required")
        await proceed()
