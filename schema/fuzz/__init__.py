"""The differential fuzzer behind `barewire fuzz`.

    peer = open_peer("upb", books.Book)
    report = fuzz(books.Book, peer, cases=100_000, seed=1)

`boundaries`, `generate`, `faults` and `cases` make inputs; `outcome` says what we make of one, `peers/` what others do;
`compare` finds the first difference, `explain` looks it up among those that are `known`, `shrink` makes it small, and
`show` prints it.
"""

from __future__ import annotations

from .peers import PEERS, Peer, PeerError, open_peer
from .run import Finding, Report, difference, fuzz
from .show import finding_text, summary

__all__ = [
    "PEERS",
    "Finding",
    "Peer",
    "PeerError",
    "Report",
    "difference",
    "finding_text",
    "fuzz",
    "open_peer",
    "summary",
]
