"""The access log: one line per call, on both sides, in all shapes; no secrets, no forged lines."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from barewire.rpc import StatusCode, testing
from barewire.rpc.interceptors import AccessLog
from tests.rpc.interceptors.calls import MESSAGES, SHAPES, SHELLS, call, failure, serve, unknown_method
from tests.support.rpc_blocking import eventually
from tests.support.rpc_service import Item, Stub, failure_of, servicer
from tests.support.rpc_service import eventually as aio_eventually


class Lines(logging.Handler):
    """What has been logged: `records`, the lines, and the fields."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.logger = logging.Logger("test", logging.INFO)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def fields(self) -> list[dict[str, Any]]:
        return [record.grpc for record in self.records]  # type: ignore[attr-defined]

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@pytest.fixture
def lines() -> Lines:
    return Lines()


def ticking() -> Iterator[float]:
    return iter(itertools.count(0.0, 0.25))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_both_sides_of_a_call(shell: str, shape: str) -> None:
    client, server_lines = Lines(), Lines()
    server = serve(interceptors=[AccessLog(logger=server_lines.logger)])
    try:
        log = AccessLog(logger=client.logger, clock=ticking().__next__, new_id=lambda: "id-1")
        assert isinstance(call(shell, server, shape, interceptors=[log]), list)
        eventually(lambda: server_lines.records)
    finally:
        server.close()
    requests, responses = MESSAGES[shape]
    ours, theirs = client.fields[0], server_lines.fields[0]
    assert ours["method"] == theirs["method"] == f"/shapes.Shapes/{shape}"
    assert (ours["side"], ours["sent"], ours["received"]) == ("client", requests, responses)
    assert (theirs["side"], theirs["sent"], theirs["received"]) == ("server", responses, requests)
    assert ours["code"] == theirs["code"] == "OK"
    assert ours["duration"] == 0.25
    assert ours["request_id"] == theirs["request_id"] == "id-1"
    assert ours["peer"] == f"ipv4:{server.target}"
    assert theirs["peer"].startswith("ipv4:127.0.0.1:")
    line = f"client /shapes.Shapes/{shape} OK in 250.0 ms peer=ipv4:{server.target}"
    assert client.lines == [f"{line} sent={requests} received={responses} id=id-1"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_failures(shell: str, shape: str, lines: Lines) -> None:
    server = serve(interceptors=[AccessLog(logger=lines.logger, json_lines=True)])
    try:
        failure(call(shell, server, shape, Item(text="fail")))
        eventually(lambda: lines.records)
    finally:
        server.close()
    assert lines.fields[0]["code"] == "NOT_FOUND"
    assert json.loads(lines.lines[0]) == lines.fields[0]
    assert lines.records[0].levelno == logging.INFO  # the caller's mistake


def test_slow_calls_and_faults_of_the_service_are_warnings(lines: Lines) -> None:
    async def breaks(request: Any, context: Any) -> Any:
        raise LookupError("the password is hunter2")

    log = AccessLog(logger=lines.logger, slow=0.2, clock=ticking().__next__)
    server = serve(servicer(Unary=breaks), interceptors=[log])
    try:
        assert failure(call("sync", server, "Unary")).code is StatusCode.UNKNOWN
        eventually(lambda: lines.records)
    finally:
        server.close()
    assert lines.records[0].levelno == logging.WARNING
    assert "UNKNOWN" in lines.lines[0]
    assert lines.lines[0].endswith("slow: LookupError")
    assert "hunter2" not in lines.lines[0]


def test_a_passed_deadline_is_told_from_a_cancelled_call(lines: Lines) -> None:
    async def waits(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    async def main() -> None:
        service, log = servicer(Unary=waits), AccessLog(logger=lines.logger)
        async with testing.connected([service], interceptors=[log]) as pair:
            error = await failure_of(pair.stub(Stub).Unary(Item(), timeout=0.2))
            assert error.code is StatusCode.DEADLINE_EXCEEDED
            await aio_eventually(lambda: lines.records)

    testing.run_virtual(main())
    # Whose timer fires first is chance: the server's own, or the client's RST_STREAM.
    assert lines.fields[0]["code"] in ("DEADLINE_EXCEEDED", "CANCELLED")


def test_metadata_is_logged_by_name_only(lines: Lines) -> None:
    log = AccessLog(logger=lines.logger, metadata=["X-Tenant", "trace-bin", "absent"])
    server = serve(interceptors=[log])
    try:
        metadata = [
            ("authorization", "Bearer s3cret"),
            ("x-tenant", "a"),
            ("x-tenant", "b"),
            ("trace-bin", b"\1\2"),
        ]
        call("sync", server, "Unary", call_metadata=metadata)
        eventually(lambda: lines.records)
    finally:
        server.close()
    assert lines.fields[0]["metadata"] == {"x-tenant": ["a", "b"], "trace-bin": ["0102"]}
    assert "x-tenant=a,b" in lines.lines[0]
    assert "s3cret" not in str(lines.fields[0])


def test_a_peer_cannot_forge_lines_or_flood_them(lines: Lines) -> None:
    server = serve(interceptors=[AccessLog(logger=lines.logger, new_id=lambda: "made here")])
    try:
        call("sync", server, "Unary", call_metadata=[("x-request-id", "x" * 4000)])
        error = unknown_method(server, "/a\x1b[31m\u0085/b")
        assert error.code is StatusCode.UNIMPLEMENTED
        eventually(lambda: len(lines.records) == 2)
    finally:
        server.close()
    assert lines.fields[0]["request_id"] == "made here"
    assert "\x1b" not in lines.lines[1]
    assert "\\x1b[31m" in lines.lines[1]


def test_what_is_skipped_and_calls_without_ids(lines: Lines) -> None:
    log = AccessLog(
        logger=lines.logger, skip=["/shapes.Shapes/Unary", "grpc.health.v1.Health"], request_id=None
    )
    server = serve(interceptors=[log])
    try:
        call("sync", server, "Unary")
        call("sync", server, "Down")
        eventually(lambda: lines.records)
    finally:
        server.close()
    assert [fields["method"] for fields in lines.fields] == ["/shapes.Shapes/Down"]
    assert "request_id" not in lines.fields[0]
