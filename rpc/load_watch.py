"""Load reports besides calls: the stream that a server sends them in, and who listens to it (gRFC A51).

A balancer listens to the subchannels that it has made, for as long as it likes:

    watch = watch_load(subchannel, interval=10.0, listener=my_endpoint.load_reported)
    watch.close()
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..schema import wkt
from .load_report import LoadReport
from .subchannel import Subchannel
from .subchannel_stream import SubchannelStream

LoadListener = Callable[[LoadReport], object]
_log = logging.getLogger("barewire.rpc.load")


class LoadWatch:
    """One listener. `close` when it has heard enough."""

    def __init__(self, reports: LoadReports, interval: float, listener: LoadListener) -> None:
        self._reports = reports
        self.interval = interval
        self.listener = listener

    def close(self) -> None:
        """Hear no more."""
        self._reports.remove(self)


def watch_load(subchannel: Subchannel, interval: float, listener: LoadListener) -> LoadWatch:
    """Have `listener` told each report of the server that this subchannel is connected to, whenever it is.

    `interval` (seconds) is what the server is asked for; it may take longer, or be quicker if somebody else asks for
    more. Nothing is told by a server without the service. `listener` runs on the channel's loop or under its lock.
    """
    reports = subchannel.load_reports
    if reports is None:
        reports = subchannel.load_reports = LoadReports(subchannel)
    return reports.add(interval, listener)


class LoadReports:
    """All who listen to one subchannel: they share one stream, with the shortest of their intervals."""

    def __init__(self, subchannel: Subchannel) -> None:
        self._watches: list[LoadWatch] = []
        self._stream = _LoadStream(subchannel, self.reported)

    def add(self, interval: float, listener: LoadListener) -> LoadWatch:
        """One more listener."""
        watch = LoadWatch(self, interval, listener)
        self._watches.append(watch)
        self._choose_interval()
        return watch

    def remove(self, watch: LoadWatch) -> None:
        """One less."""
        if watch in self._watches:
            self._watches.remove(watch)
            self._choose_interval()

    def _choose_interval(self) -> None:
        """Have the stream that is wanted: another interval needs another call."""
        interval = min((watch.interval for watch in self._watches), default=None)
        if interval != self._stream.interval:
            self._stream.close()
            self._stream.interval = interval
            if interval is not None:
                self._stream.begin()

    def reported(self, report: LoadReport) -> None:
        for watch in self._watches.copy():
            try:
                watch.listener(report)
            except Exception:
                _log.exception("a listener to load reports raised")


class _LoadStream(SubchannelStream):
    path = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics"
    what = "load report service"
    log = _log

    def __init__(self, subchannel: Subchannel, listener: LoadListener) -> None:
        super().__init__(subchannel)
        self.interval: float | None = None  # None: nobody listens
        self._listener = listener

    def request(self) -> bytes:
        from .services.bundled import bundled  # compiled by those who listen

        schema: Any = bundled("xds/service/orca/v3/orca.proto")
        interval = wkt.Duration.from_nanoseconds(round((self.interval or 0.0) * 1e9))
        return schema.OrcaLoadReportRequest(report_interval=interval).encode()

    def received(self, payload: bytes) -> None:
        self._listener(LoadReport.decode(payload))

    def failed(self, reason: str) -> None:
        _log.info("%s: %s", self.subchannel.address, reason)
