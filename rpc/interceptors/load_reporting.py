"""Telling clients with the end of each call what load the server has, and what the call has cost (gRFC A51)."""

from __future__ import annotations

from contextvars import ContextVar

from ..arguments import check_arguments, instance, optional
from ..errors import RpcError
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..load_report import LOAD_REPORT_KEY, LoadReport
from ..metadata import Metadata

_current: ContextVar[LoadReport | None] = ContextVar("barewire_call_load", default=None)

_ARGUMENTS = {"load": optional(instance(LoadReport))}


def call_load() -> LoadReport:
    """What the call reports whose handler is running. Without a LoadReporting interceptor nobody will read it."""
    report = _current.get()
    return LoadReport() if report is None else report


class LoadReporting(Interceptor):
    """Sends a load report in the trailing metadata of each call ("endpoint-load-metrics-bin") that has one.

    Handlers record what is about their call in `call_load()`. `load` is what holds for the whole server; what a handler
    has recorded under the same name has precedence.
    """

    def __init__(self, load: LoadReport | None = None) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._load = load

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        report = LoadReport()
        _current.set(report)
        try:
            await proceed()
        except RpcError as error:
            # An error with metadata of its own is sent with these alone.
            self._send(report, error.metadata or call.trailing_metadata)
            raise
        self._send(report, call.trailing_metadata)

    def _send(self, report: LoadReport, metadata: Metadata) -> None:
        merged = report if self._load is None else report.over(self._load)
        if merged:
            metadata.set(LOAD_REPORT_KEY, merged.encode())
