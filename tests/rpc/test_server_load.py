"""Servers that tell their load, with the end of calls or in a stream (A51), and clients of both shells that hear it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest

from barewire.rpc import (
    Endpoint,
    LoadReport,
    RpcConfigurationError,
    RpcError,
    StatusCode,
    static_resolver,
    testing,
)
from barewire.rpc.interceptors import LoadReporting, call_load
from barewire.rpc.load_report import LOAD_REPORT_KEY
from barewire.rpc.services.bundled import bundled
from barewire.rpc.services.orca import OrcaServicer
from barewire.schema import wkt
from tests.support.rpc_balanced import QUICK, Client, Make, clients, closing, named
from tests.support.rpc_blocking import ServerThread, eventually
from tests.support.rpc_service import PATIENCE, Item, Stub, servicer

orca: Any = bundled("xds/service/orca/v3/orca.proto")


# -- with the end of calls ----------------------------------------------------------------------------------------


async def cheap(request: Any, context: Any) -> Any:
    return Item()


async def costly(request: Any, context: Any) -> Any:
    context.set_trailing_metadata([("mine", "1")])
    call_load().request_cost["rows"] = 12
    call_load().cpu_utilization = 0.75
    return Item()


def costly_in_a_thread(request: Any, context: Any) -> Any:
    call_load().request_cost["rows"] = 12
    call_load().cpu_utilization = 0.75
    return Item()


async def failing(request: Any, context: Any) -> Any:
    call_load().request_cost["rows"] = 3
    raise RpcError(StatusCode.NOT_FOUND, "nothing", metadata=[("mine", "1")] if request.number else [])


async def reported(handler: Any, *interceptors: Any, number: int = 0) -> tuple[LoadReport | None, bool]:
    """What a call reports, and whether the handler's own trailing metadata came too."""
    options: dict[str, Any] = {"interceptors": interceptors}
    async with asyncio.timeout(PATIENCE), testing.connected([servicer(Unary=handler)], **options) as pair:
        call = pair.stub(Stub).Unary(Item(number=number))
        try:
            await call
        except RpcError as error:
            assert error.code is StatusCode.NOT_FOUND
        trailing = await call.trailing_metadata()
        values = trailing.get_all(LOAD_REPORT_KEY)
        assert len(values) <= 1
        return LoadReport.decode(values[0]) if values else None, "mine" in trailing  # type: ignore[arg-type]


SERVER = LoadReport(cpu_utilization=0.5, rps_fractional=100)
CALL = LoadReport(cpu_utilization=0.75, request_cost={"rows": 12})
BOTH = LoadReport(cpu_utilization=0.75, rps_fractional=100, request_cost={"rows": 12})


@pytest.mark.parametrize(
    ("handler", "server", "expected"),
    [
        (cheap, None, None),
        (cheap, SERVER, SERVER),
        (costly, None, CALL),
        (costly, SERVER, BOTH),
        (costly_in_a_thread, SERVER, BOTH),
    ],
)
def test_reports_of_calls(handler: Any, server: LoadReport | None, expected: LoadReport | None) -> None:
    found, own = asyncio.run(reported(handler, LoadReporting(server)))
    assert found == expected
    assert own is (handler is costly)


@pytest.mark.parametrize("number", [0, 1])
def test_calls_that_fail_report_too(number: int) -> None:
    found = asyncio.run(reported(failing, LoadReporting(SERVER), number=number))
    assert found == (LoadReport(request_cost={"rows": 3}).over(SERVER), bool(number))


def test_without_the_interceptor_nobody_is_told() -> None:
    assert asyncio.run(reported(costly)) == (None, True)


# -- in a stream --------------------------------------------------------------------------------------------------


async def stream(
    servicer: Any, interval: float | None, change: Any, count: int
) -> tuple[list[Any], list[float]]:
    """The first reports of a stream, and the times between them."""
    loop = asyncio.get_running_loop()
    async with testing.connected([servicer]) as pair:
        wanted = None if interval is None else wkt.Duration.from_nanoseconds(round(interval * 1e9))
        call = pair.stub(orca.OpenRcaServiceStub).StreamCoreMetrics(
            orca.OrcaLoadReportRequest(report_interval=wanted)
        )
        found: list[Any] = []
        times: list[float] = []
        async for message in call:
            found.append(LoadReport.decode(message.encode()))
            times.append(loop.time())
            change()
            if len(found) == count:
                break
        call.cancel()
    return found, [round(after - before, 3) for before, after in pairwise(times)]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [(None, 30.0), (0.0, 30.0), (-5.0, 30.0), (1.0, 30.0), (45.0, 45.0), (1e9, 86_400.0)],
)
def test_the_intervals_of_a_stream(interval: float | None, expected: float) -> None:
    load = LoadReport(cpu_utilization=0.25, request_cost={"rows": 1}, named_metrics={"queue": 7})

    def change() -> None:
        load.cpu_utilization = 0.75
        load.named_metrics.clear()

    found, times = testing.run_virtual(stream(OrcaServicer(load), interval, change, 3))
    assert times == [expected, expected]
    later = LoadReport(cpu_utilization=0.75)
    assert found == [LoadReport(cpu_utilization=0.25, named_metrics={"queue": 7}), later, later]


@pytest.mark.parametrize("arguments", [{"load": None}, {"load": LoadReport(), "min_interval": 0}])
def test_wrong_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(RpcConfigurationError, match="has to be"):
        OrcaServicer(**arguments)


# -- all of it ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["aio", "sync"])
def client(request: pytest.FixtureRequest) -> Generator[Make]:
    with clients(request.param) as make:
        yield make


def loaded(name: str, load: LoadReport) -> ServerThread:
    """A server that tells its load in both ways."""
    services = [named(name), OrcaServicer(load, min_interval=0.01)]
    return ServerThread(*services, interceptors=[LoadReporting(load)])


def settles(ours: Client, **shares: int) -> None:
    """Call until of 40 calls so many go to each server."""
    eventually(lambda: (ours.idle(0.01), dict(ours.calls(40)) == shares)[1])


@pytest.mark.parametrize("streams", [False, True])
def test_calls_follow_the_load(client: Make, streams: bool) -> None:
    loads = [LoadReport(cpu_utilization=0.5, rps_fractional=rps) for rps in (300, 100)]
    weighted = {
        "enableOobLoadReport": streams,
        "oobReportingPeriod": "0.01s",
        "blackoutPeriod": "0s",
        "weightUpdatePeriod": "0.1s",
    }
    config = {"loadBalancingConfig": [{"weighted_round_robin": weighted}]}
    with closing(loaded("a", loads[0]), loaded("b", loads[1])) as servers:
        endpoints = [Endpoint(server.target) for server in servers]
        ours = client(
            "test:///", resolvers={"test": static_resolver(endpoints)}, service_config=config, backoff=QUICK
        )
        settles(ours, a=30, b=10)
        for load, share in zip(loads, (100, 700), strict=True):
            load.rps_fractional = share
        settles(ours, a=5, b=35)
