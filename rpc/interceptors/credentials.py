"""Call credentials: metadata that proves who is calling, fetched for each call or kept until it expires."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ..arguments import FLAG, FUNCTION, SECONDS_OR_ZERO, TEXT, check, check_arguments
from ..control_plane import restricted
from ..errors import RpcError
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..metadata import Metadata, MetadataPairs, encode_metadata
from ..status import StatusCode
from .call_record import Clock

_MAX_KEPT = 1000  # services that credentials are kept for
_ARGUMENTS = {"fetch": FUNCTION, "allow_plaintext": FLAG, "margin": SECONDS_OR_ZERO, "clock": FUNCTION}


class CredentialsRequest(NamedTuple):
    """What credentials are asked for: `service_url` ("https://host/pkg.Service") is the audience of a JWT."""

    service_url: str
    method: str


class Credentials(NamedTuple):
    """What goes with a call. They are used again for the same service for `lifetime` seconds; 0: for one call."""

    metadata: MetadataPairs
    lifetime: float = 0.0


Fetched = Credentials | MetadataPairs
Fetch = Callable[[CredentialsRequest], Fetched | Awaitable[Fetched]]
_Key = tuple[str, asyncio.AbstractEventLoop | None]


class CallCredentials(Interceptor):
    """For a channel: adds what `fetch(request)` gives to the metadata of each call.

    `fetch` returns pairs, or Credentials that say how long they last; as a coroutine function it needs an asyncio
    channel. Calls that come while one fetch is under way wait for it. Credentials are fetched anew `margin` seconds
    before they expire.

    A call fails with UNAUTHENTICATED when `fetch` raises (R48). An RpcError keeps its code, unless that is one for
    applications: then it becomes INTERNAL (A54, R49). Over a connection without TLS credentials are not sent: unless
    `allow_plaintext`, such calls fail with UNAUTHENTICATED.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        allow_plaintext: bool = False,
        margin: float = 30.0,
        clock: Clock = time.monotonic,
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._fetch = fetch
        self._allow_plaintext = allow_plaintext
        self._margin = margin
        self._clock = clock
        self._kept: dict[str, tuple[float, Metadata]] = {}
        self._under_way: dict[_Key, asyncio.Future[Metadata]] = {}
        self._lock = threading.Lock()

    @classmethod
    def bearer(cls, token: str, *, allow_plaintext: bool = False) -> CallCredentials:
        """Credentials that are one bearer token: `authorization: Bearer TOKEN`."""
        check("token", token, TEXT)
        pairs = [("authorization", f"Bearer {token}")]
        return cls(lambda request: Credentials(pairs), allow_plaintext=allow_plaintext)

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        if not (call.secure or self._allow_plaintext):
            raise RpcError(
                StatusCode.UNAUTHENTICATED,
                "credentials are not sent over a connection without TLS; allow_plaintext=True sends them",
            )
        scheme = "https" if call.secure else "http"
        host = call.authority.removesuffix(":443") if call.secure else call.authority
        request = CredentialsRequest(f"{scheme}://{host}/{call.service}", call.method)
        for key, value in await self._credentials(request):
            call.metadata.add(key, value)
        await proceed()

    async def _credentials(self, request: CredentialsRequest) -> Metadata:
        kept = self._kept.get(request.service_url)
        if kept is not None and self._clock() < kept[0]:
            return kept[1]
        try:
            if inspect.iscoroutinefunction(self._fetch):
                return await self._join(request)
            with self._lock:  # of the threads of a blocking channel, one fetches
                kept = self._kept.get(request.service_url)
                if kept is not None and self._clock() < kept[0]:
                    return kept[1]
                fetched = self._fetch(request)
                if not inspect.isawaitable(fetched):
                    return self._keep(request, fetched)
            return self._keep(request, await fetched)
        except RpcError as error:
            raise RpcError.from_status(restricted(error.to_status(), "the call credentials")) from error
        except Exception as error:
            reason = f"the call credentials cannot be had: {type(error).__name__}: {error}"
            raise RpcError(StatusCode.UNAUTHENTICATED, reason) from error

    async def _join(self, request: CredentialsRequest) -> Metadata:
        """Wait for the fetch that is under way, or begin one. It goes on when a call that waits is given up."""
        key = (request.service_url, asyncio.get_running_loop())
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(self._fetch_async(request))
            task.add_done_callback(lambda done: self._fetched(key, done))
        return await asyncio.shield(task)

    def _fetched(self, key: _Key, done: asyncio.Future[Metadata]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # every call that waited may have been given up; asyncio need not complain

    async def _fetch_async(self, request: CredentialsRequest) -> Metadata:
        fetched = self._fetch(request)
        return self._keep(request, await fetched if inspect.isawaitable(fetched) else fetched)

    def _keep(self, request: CredentialsRequest, fetched: Fetched) -> Metadata:
        credentials = fetched if isinstance(fetched, Credentials) else Credentials(fetched)
        metadata = Metadata(credentials.metadata)
        encode_metadata(metadata)  # raises for what may not be sent, while it can be told whose fault it is
        if credentials.lifetime > self._margin:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.pop(next(iter(self._kept)))
            until = self._clock() + credentials.lifetime - self._margin
            self._kept[request.service_url] = (until, metadata)
        return metadata
