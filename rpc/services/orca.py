"""xds.service.orca.v3.OpenRcaService: tells clients the server's load in a stream besides their calls (gRFC A51)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from ..arguments import SECONDS, check_arguments, instance
from ..load_report import LoadReport
from .bundled import bundled

_schema = bundled("xds/service/orca/v3/orca.proto")
_Base: Any = _schema.OpenRcaServiceServicer

_LONGEST = 86_400.0  # seconds; whatever a client asks for, event loops cannot all wait for a thousand years

_ARGUMENTS = {"load": instance(LoadReport), "min_interval": SECONDS}


class OrcaServicer(_Base):
    """Sends `load`, as it is then, to each client that asks: at once, and after each interval.

    `min_interval` (seconds) is the shortest interval that a client can have, and the one of those that name none.
    Raises RpcConfigurationError for other arguments.
    """

    def __init__(self, load: LoadReport, *, min_interval: float = 30.0) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._load = load
        self._min_interval = min_interval

    async def StreamCoreMetrics(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """The load, until the client ends the call. What calls cost is not in it (A51)."""
        wanted = request.report_interval
        seconds = 0.0 if wanted is None else wanted.to_nanoseconds() / 1e9
        interval = max(self._min_interval, min(seconds, _LONGEST))
        while True:
            values = self._load.values()
            values.pop("request_cost", None)
            yield LoadReport(**values).to_message()
            await asyncio.sleep(interval)
