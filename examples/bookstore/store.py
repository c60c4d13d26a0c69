"""Books in SQLite. Knows nothing of gRPC.

SQLite blocks, and an event loop must not. All work is done by one thread that owns the connection: the loop stays free,
":memory:" is one database for all callers, and nothing needs a lock. Plain `def` handlers, which barewire runs in a
thread pool, would do for the unary call; a stream, though, would hold a thread of the pool for as long as it is open.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

Result = TypeVar("Result")

_PAGE = 100  # books that are read at a time


class Row(NamedTuple):
    """A book as it is stored."""

    id: str
    title: str
    author: str


SEEDS = (
    Row("1", "gRPC Fundamentals", "A. Writer"),
    Row("2", "Solaris", "Stanisław Lem"),
    Row("3", "Kindred", "Octavia E. Butler"),
)


class Store:
    """The books in one SQLite database: the path of a file, or ":memory:".

    An empty one is given a few books. Raises sqlite3.Error when the file cannot be used.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bookstore")
        try:
            self._connection = self._thread.submit(_open, path).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def get(self, id: str) -> Row | None:
        """The book with this id, None if there is none."""
        return await self._run(self._find, id)

    async def all(self) -> AsyncIterator[Row]:
        """All books, in the order in which they came. Read page by page: a slow reader holds neither the database nor
        more than a page."""
        last = 0
        while page := await self._run(self._page_after, last):
            for position, row in page:
                last = position
                yield row

    async def add(self, rows: Sequence[Row]) -> None:
        """Store all of these books, or none of them if that fails. A book with a known id replaces the old one."""
        await self._run(_insert, self._connection, rows)

    def close(self) -> None:
        """Close the database, once what is under way is done."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()

    async def _run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _find(self, id: str) -> Row | None:
        query = "SELECT id, title, author FROM books WHERE id = ?"
        found = self._connection.execute(query, (id,)).fetchone()
        return Row(*found) if found else None

    def _page_after(self, position: int) -> list[tuple[int, Row]]:
        query = "SELECT position, id, title, author FROM books WHERE position > ? ORDER BY position LIMIT ?"
        return [(found[0], Row(*found[1:])) for found in self._connection.execute(query, (position, _PAGE))]


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS books"
            " (position INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, title TEXT NOT NULL, author TEXT NOT NULL)"
        )
    if connection.execute("SELECT 1 FROM books LIMIT 1").fetchone() is None:
        _insert(connection, SEEDS)
    return connection


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    with connection:  # one transaction
        connection.executemany(
            "INSERT INTO books (id, title, author) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET title = excluded.title, author = excluded.author",
            rows,
        )
