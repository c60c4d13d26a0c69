"""A run: ask both sides about one input after the other, sort what differs into buckets, explain or shrink it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ...wire.plan import MessagePlan
from ..message import Message
from .cases import Cases
from .compare import Difference, compare
from .explain import Explainer
from .outcome import Outcome, Question, Subject
from .peers import Peer, open_peer
from .shrink import shrink

_BATCH = 200
Progress = Callable[[int], None]


@dataclass(slots=True)
class Finding:
    """A bucket of differences that nothing explains: how many inputs fell into it, and one of them, shrunk."""

    bucket: str
    number: int
    data: bytes
    difference: Difference
    count: int = 1


@dataclass(slots=True)
class Report:
    """What a run saw. `accepted` counts the inputs that we took, `compared_json` those whose JSON was compared."""

    message: str
    peer: str
    seed: int
    cases: int = 0
    accepted: int = 0
    compared_json: int = 0
    explained: Counter[str] = field(default_factory=Counter[str])
    findings: dict[str, Finding] = field(default_factory=dict[str, Finding])


class Examiner:
    """Both sides, asked about one input at a time."""

    def __init__(self, message_class: type[Message], peer: Peer) -> None:
        self.message_class = message_class
        self.plan = message_class.__plan__
        self.subject = Subject(message_class)
        self.peer = peer

    def difference(self, data: bytes) -> Difference | None:
        """What the two sides differ in, JSON included."""
        ours = self.subject.examine(data, True)
        self.peer.ask([Question(data, True, ours.json)])
        return compare(self.plan, ours, self.peer.answers()[0])

    def resolve(self, full_name: str) -> MessagePlan | None:
        """The plan of a message that an Any may hold."""
        registry = self.message_class.__registry__
        known = registry is not None and registry.has_message(full_name)
        return registry.message_class(full_name).__plan__ if registry is not None and known else None


def fuzz(
    message_class: type[Message],
    peer: Peer,
    *,
    cases: int = 10_000,
    seed: int = 0,
    first: int = 0,
    progress: Progress | None = None,
    max_findings: int = 20,
) -> Report:
    """Compare our codec and JSON with a peer's on `cases` inputs, from number `first` on.

    Stops early once `max_findings` buckets of unexplained differences have been found. `progress` is called with the
    number of inputs done.
    """
    examiner = Examiner(message_class, peer)
    explainer = Explainer(examiner.plan, peer.name, examiner.difference, examiner.resolve)
    report = Report(message_class.__plan__.full_name, peer.name, seed)
    for number, data, ours, difference in _differences(examiner, Cases(message_class, seed), first, cases):
        report.cases += 1
        report.accepted += ours.accepted
        report.compared_json += ours.json is not None
        if progress is not None and report.cases % 1000 == 0:
            progress(report.cases)
        if difference is None:
            continue
        known = explainer.explain(data, difference)
        if known is not None:
            report.explained[known.name] += 1
        else:
            _note(report, examiner, explainer, number, data, difference)
            if len(report.findings) >= max_findings:
                break
    return report


def difference(message_class: type[Message], peer: str, data: bytes) -> Difference | None:
    """What we and a peer (by its name) differ in for one input, known differences aside. Raises PeerError."""
    other = open_peer(peer, message_class)
    try:
        examiner = Examiner(message_class, other)
        found = examiner.difference(data)
        explainer = Explainer(examiner.plan, peer, examiner.difference, examiner.resolve)
        return None if found is None or explainer.explain(data, found) is not None else found
    finally:
        other.close()


def _differences(
    examiner: Examiner, cases: Cases, first: int, count: int
) -> Iterator[tuple[int, bytes, Outcome, Difference | None]]:
    """All inputs with what we make of them and what differs. The peer works on one batch while we work on the next."""
    pending: list[tuple[int, bytes, Outcome]] = []
    for start in range(first, first + count, _BATCH):
        batch: list[tuple[int, bytes, Outcome]] = []
        for number in range(start, min(start + _BATCH, first + count)):
            data = cases.case(number)
            batch.append((number, data, examiner.subject.examine(data, cases.wants_json(number))))
        yield from _settle(examiner, pending)
        examiner.peer.ask(
            [Question(data, cases.wants_json(number), ours.json) for number, data, ours in batch]
        )
        pending = batch
    yield from _settle(examiner, pending)


def _settle(
    examiner: Examiner, pending: list[tuple[int, bytes, Outcome]]
) -> list[tuple[int, bytes, Outcome, Difference | None]]:
    """The differences of the batch that the peer has been asked about."""
    if not pending:
        return []
    answers = examiner.peer.answers()
    return [
        (number, data, ours, compare(examiner.plan, ours, theirs))
        for (number, data, ours), theirs in zip(pending, answers, strict=True)
    ]


def _note(
    report: Report, examiner: Examiner, explainer: Explainer, number: int, data: bytes, difference: Difference
) -> None:
    """Count an unexplained difference; the first of its bucket is shrunk."""
    known = report.findings.get(difference.bucket)
    if known is not None:
        known.count += 1
        return

    def shows(smaller: bytes) -> bool:
        found = examiner.difference(smaller)
        return (
            found is not None
            and found.bucket == difference.bucket
            and explainer.explain(smaller, found) is None
        )

    smallest = shrink(examiner.plan, data, shows)
    found = examiner.difference(smallest) or difference
    report.findings[difference.bucket] = Finding(difference.bucket, number, smallest, found)
