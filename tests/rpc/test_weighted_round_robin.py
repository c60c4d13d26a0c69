"""weighted_round_robin by reported load (A58), and the streams that it listens to (A51), in virtual time."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest

from barewire.rpc import Endpoint, LoadReport, Metadata
from barewire.rpc.connectivity import ConnectivityState as State
from barewire.rpc.envelope import Envelope
from barewire.rpc.load_report import LOAD_REPORT_KEY
from barewire.rpc.load_watch import watch_load
from barewire.rpc.services.bundled import bundled
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_channel_core import FakeLink, FakeWatch, VirtualChannel

A, B, C = "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"
Request: Any = bundled("xds/service/orca/v3/orca.proto").OrcaLoadReportRequest
PATH = b"/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics"


def config(**fields: Any) -> Any:
    return {"loadBalancingConfig": [{"weighted_round_robin": fields}]}


def make(*endpoints: str | Endpoint, **fields: Any) -> tuple[VirtualChannel, list[FakeLink]]:
    channel = VirtualChannel(*endpoints, service_config=config(**fields)).begin()
    return channel, [channel.accept(address) for address in channel.dialing]


def load(weight: float) -> LoadReport:
    return LoadReport(cpu_utilization=0.5, rps_fractional=weight / 2)


def calls(channel: VirtualChannel, count: int, **weights: float) -> Counter[str]:
    """Where calls go; each ends with the report of its server, if that has one."""
    found: Counter[str] = Counter()
    for _ in range(count):
        call = channel.call()
        assert call.link is not None
        found[call.link.address] += 1
        name = {A: "a", B: "b", C: "c"}[call.link.address]
        trailing = [(LOAD_REPORT_KEY, load(weights[name]).encode())] if name in weights else []
        call.ended(Status(StatusCode.OK, trailing_metadata=Metadata(trailing)))
    return found


def stream(link: FakeLink) -> FakeWatch:
    (watch,) = link.core.watches
    assert watch.headers[b":path"] == PATH
    return watch


def interval_of(watch: FakeWatch) -> float:
    return Request.decode(watch.sent[0]).report_interval.to_timedelta().total_seconds()


def tell(watch: FakeWatch, report: LoadReport) -> None:
    payload = report.encode()
    watch.sink.message_received(Envelope(False, payload), len(payload) + 5)


# -- reports of calls ---------------------------------------------------------------------------------------------


def test_weights_by_the_reports_of_calls() -> None:
    channel, _ = make(A, B, C)
    assert calls(channel, 30, a=300, b=100) == {A: 10, B: 10, C: 10}
    channel.advance(10)  # the blackout is over
    assert calls(channel, 60, a=300, b=100, c=200) == pytest.approx({A: 30, B: 10, C: 20}, abs=1)
    calls(channel, 60, a=100, b=100, c=400)
    channel.advance(0.9)  # weights are used for a second
    assert calls(channel, 60, a=100, b=100, c=400) == pytest.approx({A: 30, B: 10, C: 20}, abs=1)
    channel.advance(0.1)
    assert calls(channel, 60, a=100, b=100, c=400) == {A: 20, B: 20, C: 20}  # C is new
    channel.advance(9)
    assert calls(channel, 60, a=100, b=100, c=400) == pytest.approx({A: 10, B: 10, C: 40}, abs=1)
    channel.advance(180)  # and for three minutes without a report
    assert calls(channel, 30) == {A: 10, B: 10, C: 10}
    assert not channel.timers.next_due() or channel.timers.next_due() > channel.clock + 60  # type: ignore[operator]


def test_static_weights_until_there_are_reports() -> None:
    channel, _ = make(Endpoint(A, weight=3), Endpoint(B, weight=1), blackoutPeriod="0s")
    assert calls(channel, 40) == pytest.approx({A: 30, B: 10}, abs=1)
    calls(channel, 40, a=100, b=100)
    channel.advance(1)
    assert calls(channel, 40, a=100, b=100) == {A: 20, B: 20}


def test_a_new_connection_is_another_server() -> None:
    channel, (a, _) = make(A, B, blackoutPeriod="5s")
    calls(channel, 10, a=900, b=100)
    channel.advance(5)
    assert calls(channel, 100, a=900, b=100) == pytest.approx({A: 90, B: 10}, abs=2)
    a.lose()
    assert calls(channel, 10, b=100) == {B: 10}
    channel.accept(A)
    assert calls(channel, 20, a=900, b=100) == {A: 10, B: 10}
    channel.advance(5)
    assert calls(channel, 100, a=900, b=100) == pytest.approx({A: 90, B: 10}, abs=2)


def test_a_report_that_cannot_be_read_is_none() -> None:
    channel, _ = make(A, B, blackoutPeriod="0s")
    for _ in range(4):
        call = channel.call()
        call.ended(Status(StatusCode.OK, trailing_metadata=Metadata([(LOAD_REPORT_KEY, b"\xff")])))
    channel.advance(1)
    assert calls(channel, 20) == {A: 10, B: 10}


# -- reports in streams -------------------------------------------------------------------------------------------


def test_weights_by_streams() -> None:
    channel, (a, b) = make(A, B, enableOobLoadReport=True, oobReportingPeriod="2s")
    assert [interval_of(stream(link)) for link in (a, b)] == [2.0, 2.0]
    assert calls(channel, 20, a=900, b=100) == {A: 10, B: 10}  # what calls say does not count
    for _ in range(6):
        tell(stream(a), load(300))
        tell(stream(b), load(100))
        channel.advance(2)
    assert calls(channel, 40) == pytest.approx({A: 30, B: 10}, abs=1)


def test_streams_end_with_their_connections() -> None:
    channel, (a, b) = make(A, B, enableOobLoadReport=True)
    before = stream(a)
    calls(channel, 2)
    a.lose(goaway=True)
    assert before.cancelled
    again = channel.accept(A)
    assert interval_of(stream(again)) == 10.0
    channel.resolve(A)
    assert not b.core.watches
    channel.shut_down()
    assert not again.core.watches


@pytest.mark.rule(77)
def test_r77_a_channel_that_only_listens_goes_idle() -> None:
    channel, links = make(A, B, enableOobLoadReport=True)
    channel.call().ended(Status(StatusCode.OK))
    assert sum(link.core.open_calls for link in links) == 2
    channel.idle_timeout = 10.0
    channel.advance(2 * 30 * 60 + 1)
    assert channel.state is State.IDLE
    assert not any(link.core.watches for link in links)


def test_another_config_without_another_connection() -> None:
    channel, (a, b) = make(A, B)
    assert not a.core.watches
    channel.resolve(A, B, config=config(enableOobLoadReport=True, oobReportingPeriod="2s"))
    first = stream(a)
    channel.resolve(
        A, B, config=config(enableOobLoadReport=True, oobReportingPeriod="2s", blackoutPeriod="1s")
    )
    assert stream(a) is first
    channel.resolve(A, B, config=config(enableOobLoadReport=True, oobReportingPeriod="3s"))
    assert first.cancelled
    assert interval_of(stream(a)) == 3.0
    channel.resolve(A, B, config=config())
    assert not a.core.watches
    assert not b.core.watches
    assert channel.dialing == []


def test_a_server_without_the_service_is_not_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    fields = {"enableOobLoadReport": True}
    channel, (a,) = make(A, **fields)
    with caplog.at_level(logging.ERROR, "barewire.rpc.load"):
        stream(a).end(StatusCode.UNIMPLEMENTED)
    assert [record.message for record in caplog.records] == [
        f"{A} has no load report service ({PATH.decode()})"
    ]
    channel.advance(1000)
    assert not a.core.watches
    channel.resolve(A, config=config(**fields, oobReportingPeriod="3s"))
    assert not a.core.watches  # the connection is the same
    a.lose()
    assert stream(channel.accept(A))


@pytest.mark.rule(78)
def test_r78_a_stream_that_fails_is_opened_again() -> None:
    channel, (a,) = make(A, enableOobLoadReport=True)
    for wait in (1.0, 1.6, 2.56):  # connection-backoff, from one failure to the next
        stream(a).end(StatusCode.UNAVAILABLE)
        channel.advance(wait - 0.01)
        assert not a.core.watches
        channel.advance(0.02)
        assert stream(a)
    tell(stream(a), load(100))
    stream(a).end(StatusCode.OK)
    channel.advance(0)
    assert stream(a)  # it had told something
    stream(a).end(StatusCode.UNAVAILABLE)
    channel.advance(0.9)
    assert not a.core.watches


def test_listeners_share_a_stream_with_the_shortest_interval(caplog: pytest.LogCaptureFixture) -> None:
    channel, (a,) = make(A, enableOobLoadReport=True)
    heard: list[LoadReport] = []

    def broken(report: LoadReport) -> None:
        raise KeyError(report)

    (subchannel,) = channel._subchannels  # pyright: ignore[reportPrivateUsage]
    first = stream(a)
    slow, failing = watch_load(subchannel, 60.0, heard.append), watch_load(subchannel, 10.0, broken)
    assert stream(a) is first
    quick = watch_load(subchannel, 1.0, heard.append)
    assert first.cancelled
    assert interval_of(stream(a)) == 1.0
    tell(stream(a), load(100))
    assert heard == [load(100)] * 2
    assert "a listener to load reports raised" in caplog.text
    quick.close()
    quick.close()
    assert interval_of(stream(a)) == 10.0
    stream(a).sink.message_received(Envelope(False, b"\xff"), 6)  # what cannot be read is left out
    tell(stream(a), load(200))
    assert heard[2:] == [load(200)]
    slow.close()
    failing.close()
    assert stream(a)  # the balancer goes on


def test_a_listener_that_forgot_to_stop_keeps_nobody_from_the_next_connection() -> None:
    channel, (a,) = make(A, enableOobLoadReport=True)
    heard: list[LoadReport] = []
    (subchannel,) = channel._subchannels  # pyright: ignore[reportPrivateUsage]
    watch_load(subchannel, 5.0, heard.append)
    calls(channel, 1)
    a.lose()
    again = channel.accept(A)
    tell(stream(again), load(100))
    assert heard == [load(100)]


def test_a_stream_goes_with_its_subchannel_whoever_listens() -> None:
    """It would hold up the end of the connection."""
    channel = VirtualChannel(A, B, policy="round_robin").begin()
    a, _ = (channel.accept(address) for address in (A, B))
    heard: list[LoadReport] = []
    for subchannel in channel._subchannels:  # pyright: ignore[reportPrivateUsage]
        watch_load(subchannel, 5.0, heard.append)
    first = stream(a)
    channel.resolve(B)
    assert first.cancelled
    assert a.core.drained
    channel.advance(1000)
    assert not a.core.watches


@pytest.mark.rule(71)
def test_r71_a_stream_moves_to_the_connection_that_is_left() -> None:
    policy = config(enableOobLoadReport=True)
    channel = VirtualChannel(A, service_config=policy, stream_limit=1)
    channel.max_connections_per_subchannel = 2
    channel.begin()
    first = channel.accept(A)
    calls = [channel.call(), channel.call()]
    second = channel.accept(A)
    assert [call.link for call in calls] == [first, second]
    before = stream(first)
    first.lose(goaway=True)
    assert before.cancelled
    assert interval_of(stream(second)) == 10.0
    (subchannel,) = channel._subchannels  # pyright: ignore[reportPrivateUsage]
    assert subchannel.open_calls == 1


def test_a_server_that_refused_is_not_asked_for_another_interval_but_the_next_one_is() -> None:
    channel = VirtualChannel(A, policy="round_robin").begin()
    a = channel.accept(A)
    (subchannel,) = channel._subchannels  # pyright: ignore[reportPrivateUsage]
    heard: list[LoadReport] = []
    watch_load(subchannel, 5.0, heard.append)
    stream(a).end(StatusCode.UNIMPLEMENTED)
    watch_load(subchannel, 1.0, heard.append)
    channel.advance(1000)
    assert not a.core.watches
    a.lose()
    assert interval_of(stream(channel.accept(A))) == 1.0
