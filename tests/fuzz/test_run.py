"""Invariant: barewire and Google's implementations agree on every input, but for the differences that are known."""

from __future__ import annotations

from typing import Any

import pytest

from barewire.schema.fuzz import Report, difference, finding_text, fuzz, open_peer, summary
from barewire.schema.fuzz.outcome import Outcome
from barewire.schema.fuzz.peers import PeerError
from barewire.schema.fuzz.peers.reference import ReferencePeer
from barewire.schema.fuzz.shrink import shrink
from tests.fuzz.message_types import CONFORMANCE, OFFICIAL, TYPES, message_class
from tests.support.peers import missing


def check(name: str, against: str, cases: int, seed: int) -> Report:
    cls = message_class(name)
    peer = open_peer(against, cls)
    try:
        report = fuzz(cls, peer, cases=cases, seed=seed)
    finally:
        peer.close()
    assert not report.findings, "\n\n".join(
        finding_text(report, finding, cls, "schema") for finding in report.findings.values()
    )
    assert report.cases == cases
    return report


@pytest.mark.parametrize("against", ["upb", "python", "reference"])
@pytest.mark.parametrize("name", TYPES)
def test_no_difference_is_unexplained(name: str, against: str) -> None:
    report = check(name, against, 200, seed=1)
    assert report.accepted > 50
    assert f"{report.cases} cases" in summary(report)


def test_protoc_agrees() -> None:
    check("kitchen.Sink", "protoc", 6, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("against", ["upb", "python", "reference"])
@pytest.mark.parametrize("name", [*TYPES, *OFFICIAL])
def test_no_difference_is_unexplained_at_length(name: str, against: str) -> None:
    if name in OFFICIAL and not CONFORMANCE.is_dir():
        missing("the official test messages are not here: run `make conformance`")
    check(name, against, 2000, seed=2)


class Forgetful(ReferencePeer):
    """Refuses field 9 of a Sink, and takes everything else as it is."""

    def _examine(self, data: bytes) -> Outcome:
        outcome = super()._examine(data)
        if outcome.tree and any(number == 9 for number, _ in outcome.tree):
            return Outcome("field 9 is one too many")
        return outcome


def test_a_difference_is_found_shrunk_and_printed() -> None:
    cls = message_class("kitchen.Sink")
    report = fuzz(cls, Forgetful(cls), cases=2000, seed=1)
    (finding,) = report.findings.values()
    assert finding.bucket == "accept: we accept, they refuse (field … is one too many)"
    assert finding.count > 1
    assert len(finding.data) <= 5  # tag, length, one character
    assert finding.data[0] == 0x4A
    text = finding_text(report, finding, cls, "schema.load('kitchen.proto')")
    assert "a_string" in text
    assert 'bytes.fromhex("4a0' in text
    compile(text[text.index("def test_") :], "printed", "exec")
    assert "1 buckets" in summary(report)


def test_shrinking_keeps_what_matters() -> None:
    cls = message_class("kitchen.Sink")
    data = cls(an_int32=7, a_string="x" * 50, int64s=[1, 2, 300]).encode()

    def shows(data: bytes) -> bool:
        try:
            return 300 in cls.decode(data).int64s
        except ValueError:
            return False

    smallest = shrink(cls.__plan__, data, shows)
    assert cls.decode(smallest) == cls(int64s=[300])


def test_known_differences_are_not_differences() -> None:
    cls = message_class("kitchen.Sink")
    assert difference(cls, "upb", cls(an_int32=1).encode()) is None
    assert difference(cls, "python", bytes.fromhex("a8800001")) is None  # an overlong tag


def test_a_process_that_dies_costs_one_input(monkeypatch: pytest.MonkeyPatch) -> None:
    from barewire.schema.fuzz.outcome import Question
    from barewire.schema.fuzz.peers.process import GooglePeer

    cls = message_class("kitchen.Sink")
    peer = GooglePeer("upb", cls)
    sent: list[Any] = []
    real = GooglePeer._send

    def send(process: Any, value: Any) -> None:
        sent.append(value)
        if isinstance(value, list) and any(question[0] == b"die" for question in value):
            process.kill()
            process.wait()
        real(process, value)

    monkeypatch.setattr(GooglePeer, "_send", staticmethod(send))
    try:
        peer.ask([Question(data, False, None) for data in (b"", b"die", b"\x28\x01")])
        first, second, third = peer.answers()
    finally:
        peer.close()
    assert first.tree == []
    assert second.error.startswith("crash")
    assert third.tree == [[5, 1]]


def test_a_peer_that_is_not_known() -> None:
    with pytest.raises(PeerError, match="there are upb, python, protoc, reference"):
        open_peer("rust", message_class("kitchen.Sink"))
