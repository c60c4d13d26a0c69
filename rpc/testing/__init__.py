"""What tests of services need: a channel and a server in memory, a virtual clock, a recorder of calls.

async with testing.connected([Bookstore()]) as pair:
    book = await pair.stub(books.BookstoreStub).GetBook(books.GetBookRequest(id="1"))

@testing.virtual_time                     # hours pass at once
async def test_deadline(): ...
"""

from __future__ import annotations

from .clock import VirtualClockLoop, run_virtual, virtual_time
from .memory import MemoryConnection, MemoryTransport
from .pair import Pair, connected
from .recorder import RecordedCall, Recorder

__all__ = [
    "MemoryConnection",
    "MemoryTransport",
    "Pair",
    "RecordedCall",
    "Recorder",
    "VirtualClockLoop",
    "connected",
    "run_virtual",
    "virtual_time",
]
