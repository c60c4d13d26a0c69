"""Interceptors: code around whole calls, on either side, for all four shapes.

    class Logging(Interceptor):
        async def intercept(self, call, proceed):
            try:
                await proceed()                # the call runs, from its start to its end
            except RpcError as error:
                log.warning("%s failed: %s", call.method, error)
                raise

`proceed` returns when the call has ended well and raises RpcError when it has failed. An interceptor that raises
RpcError gives the call that outcome, before `proceed` (the call does not take place) or after it. One that wants to see
the messages registers hooks before it proceeds.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from .errors import RpcConfigurationError
from .metadata import Metadata
from .observer import CallObserver

Proceed = Callable[[], Awaitable[None]]
MessageHook = Callable[[Any], Any]


class InterceptedCall:
    """A call as an interceptor sees it.

    - `side`: "client" or "server".
    - `method`: "/package.Service/Method".
    - `metadata`: the request's. On a client, what is added before `proceed` is sent.
    - `peer`: the other side's address, as far as it is known.
    - `authority`: the :authority of the call; `secure`: whether it goes over TLS.
    - `timeout`: seconds until its deadline when the call began; None without one.
    - `client_streaming`, `server_streaming`: its shape.
    - `registered`: whether the method is known in advance, from a stub or a servicer. A peer can make up names of
      others, so metrics should not keep them.
    - `principal`: who calls, once an interceptor has found out; handlers read it as `context.principal`.
    - `initial_metadata`, `trailing_metadata`: of the response. A client finds them here after `proceed`; a server
      sends them.
    """

    __slots__ = (
        "authority",
        "client_streaming",
        "initial_metadata",
        "metadata",
        "method",
        "observers",
        "peer",
        "principal",
        "receive_hooks",
        "registered",
        "secure",
        "send_hooks",
        "server_streaming",
        "side",
        "target",
        "timeout",
        "trailing_metadata",
    )

    def __init__(
        self,
        side: Literal["client", "server"],
        method: str,
        metadata: Metadata,
        peer: str,
        *,
        target: str = "",
        authority: str = "",
        secure: bool = False,
        timeout: float | None = None,
        client_streaming: bool = False,
        server_streaming: bool = False,
        registered: bool = True,
    ) -> None:
        self.side: Literal["client", "server"] = side
        self.method = method
        self.metadata = metadata
        self.peer = peer
        self.target = target
        self.authority = authority
        self.secure = secure
        self.timeout = timeout
        self.client_streaming = client_streaming
        self.server_streaming = server_streaming
        self.registered = registered
        self.principal: Any = None
        self.observers: tuple[CallObserver, ...] = ()
        self.initial_metadata = Metadata()
        self.trailing_metadata = Metadata()
        self.send_hooks: list[MessageHook] = []
        self.receive_hooks: list[MessageHook] = []

    def on_send(self, hook: MessageHook) -> None:
        """Call `hook(message)` for each message sent to the peer. What it returns is sent, if not None."""
        self.send_hooks.append(hook)

    def on_receive(self, hook: MessageHook) -> None:
        """The same for messages from the peer, before the application gets them."""
        self.receive_hooks.append(hook)

    def observe(self, observer: CallObserver) -> None:
        """Tell `observer` what the call sends and receives, from here on."""
        self.observers = (*self.observers, observer)

    @property
    def service(self) -> str:
        """The full name of the service: "package.Service"."""
        return self.method[1:].rpartition("/")[0]

    @property
    def name(self) -> str:
        """The method's name without its service."""
        return self.method.rpartition("/")[2]


class Interceptor:
    """Base class; `intercept` is what to override."""

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        """Run around one call. See the module."""
        await proceed()


def checked_interceptors(interceptors: Sequence[Interceptor]) -> tuple[Interceptor, ...]:
    """Interceptors as they were given. Raises RpcConfigurationError for what cannot be one, before calls fail of it."""
    given = tuple(interceptors)
    for each in given:
        if isinstance(each, type) or not inspect.iscoroutinefunction(getattr(each, "intercept", None)):
            raise RpcConfigurationError(
                f"interceptors holds {each!r}; give objects with `async def intercept(self, call, proceed)`"
            )
    return given


def apply_hooks(hooks: Sequence[MessageHook], message: Any) -> Any:
    """The message after all hooks."""
    for hook in hooks:
        replaced = hook(message)
        if replaced is not None:
            message = replaced
    return message


async def run_chain(interceptors: Sequence[Interceptor], call: InterceptedCall, innermost: Proceed) -> None:
    """Run `innermost` inside all interceptors, the first outermost."""
    proceed = innermost
    for interceptor in reversed(interceptors):
        proceed = _bind(interceptor, call, proceed)
    await proceed()


def _bind(interceptor: Interceptor, call: InterceptedCall, proceed: Proceed) -> Proceed:
    async def step() -> None:
        await interceptor.intercept(call, proceed)

    return step
