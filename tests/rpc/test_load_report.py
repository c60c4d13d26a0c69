"""What servers say of their load (A51): the model, and its bytes as Google's library reads and writes them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc import LoadReport, Metadata, RpcConfigurationError, Status, StatusCode
from barewire.rpc.load_report import LOAD_REPORT_KEY
from barewire.rpc.services.bundled import bundled

Message: Any = bundled("xds/data/orca/v3/orca_load_report.proto").OrcaLoadReport

amounts = st.floats(0, 1e9, exclude_min=True)
shares = st.floats(0, 1, exclude_min=True)
reports = st.builds(
    LoadReport,
    cpu_utilization=st.none() | amounts,
    memory_utilization=st.none() | shares,
    application_utilization=st.none() | amounts,
    rps_fractional=st.none() | amounts,
    eps=st.none() | amounts,
    utilization=st.dictionaries(st.text(max_size=5), shares, max_size=3),
    request_cost=st.dictionaries(st.text(max_size=5), amounts, max_size=3),
    named_metrics=st.dictionaries(st.text(max_size=5), st.floats(-1e9, 1e9), max_size=3),
)


@given(reports)
def test_what_is_sent_is_received(report: LoadReport) -> None:
    assert LoadReport.decode(report.encode()) == report
    assert bool(report) == bool(report.encode())


@given(reports, reports)
def test_one_report_over_another(mine: LoadReport, base: LoadReport) -> None:
    merged = mine.over(base).values()
    for name, value in base.values().items():
        if isinstance(value, dict):
            assert merged[name] == {**value, **mine.values().get(name, {})}
        else:
            assert merged[name] == mine.values().get(name, value)
    assert mine.values().keys() | base.values().keys() == merged.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cpu_utilization", -0.1),
        ("cpu_utilization", math.inf),
        ("memory_utilization", 1.1),
        ("application_utilization", math.nan),
        ("rps_fractional", "many"),
        ("eps", True),
        ("utilization", {"disk": 1.5}),
        ("request_cost", {"rows": -1.0}),
        ("request_cost", {1: 1.0}),
        ("utilization", {"\ud800": 1.0}),
        ("named_metrics", {"x": math.nan}),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    report = LoadReport(cpu_utilization=0.25)
    with pytest.raises(RpcConfigurationError, match=name):
        setattr(report, name, value)
    assert report == LoadReport(cpu_utilization=0.25)


def test_metrics_by_name() -> None:
    report = LoadReport(utilization={"disk": 0.5})
    report.utilization["net"] = 0.25
    with pytest.raises(RpcConfigurationError, match=r"utilization\['net'\] has to be .*, and is 2"):
        report.utilization["net"] = 2.0
    del report.utilization["disk"]
    assert report == LoadReport(utilization={"net": 0.25})
    assert repr(report) == "LoadReport(utilization={'net': 0.25})"
    with pytest.raises(TypeError, match="a LoadReport has no cpu"):
        LoadReport(cpu=1)


def test_what_others_send_out_of_range_is_left_out() -> None:
    message = Message(cpu_utilization=-1.0, mem_utilization=1.5, eps=math.inf, rps_fractional=math.nan)
    message.utilization.update({"disk": 7.0, "net": 0.5})
    message.request_cost["rows"] = math.inf
    assert LoadReport.decode(message.encode()) == LoadReport(utilization={"net": 0.5})


def test_the_report_of_a_call() -> None:
    def ended(*pairs: tuple[str, bytes]) -> Status:
        return Status(StatusCode.OK, trailing_metadata=Metadata(pairs))

    assert LoadReport.of(ended()) is None
    assert LoadReport.of(ended((LOAD_REPORT_KEY, b"\xff"))) is None
    assert LoadReport.of(ended((LOAD_REPORT_KEY, b"\x09" + bytes(7) + b"\x40"))) == LoadReport(
        cpu_utilization=2
    )
