"""A short soak; the ten minutes are `make soak`."""

from __future__ import annotations

import pytest

from tests.soak.run import run


@pytest.mark.slow
@pytest.mark.rule(100)
def test_half_a_minute() -> None:
    lines: list[str] = []
    report = run(30, 200, lines.append)
    text = "\n".join(lines)
    assert not report.surprises, text
    assert not report.complaints, text
    assert report.calls > 1000, text
    assert {"OK", "ABORTED", "DEADLINE_EXCEEDED"} <= set(report.outcomes), text
