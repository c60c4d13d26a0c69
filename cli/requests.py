"""The requests of a call: JSON values from the command line or from standard input, as they come."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

from ..schema import JsonError
from ..schema.json_stream import JsonSplitter
from .errors import UserError
from .source import Source

_STANDARD_INPUT = ("@", "-")
_PIECE = 64 * 1024


class Requests:
    """An async iterable of messages: `count` have been given out, `failure` is what was wrong with the next."""

    def __init__(
        self, data: str | None, message_class: Any, source: Source, *, ignore_unknown: bool = False
    ) -> None:
        self._data = data
        self._class = message_class
        self._source = source
        self._ignore_unknown = ignore_unknown
        self.count = 0
        self.failure: UserError | None = None

    async def __aiter__(self) -> AsyncIterator[Any]:
        splitter = JsonSplitter()
        async for piece in self._pieces():
            for text in splitter.feed(piece):
                yield await self._parse(text)
        for text in splitter.end():
            yield await self._parse(text)

    async def only(self, method: str) -> Any:
        """The one request of a call that takes one; an empty message without data. Raises UserError for more."""
        messages = [message async for message in self]
        if len(messages) > 1:
            raise UserError(f"{method} takes one request, but the data holds {len(messages)}")
        return messages[0] if messages else self._class()

    async def _parse(self, text: str) -> Any:
        try:
            message = await self._source.retry(
                lambda registry: self._class.from_json(
                    text, ignore_unknown_fields=self._ignore_unknown, registry=registry
                )
            )
        except JsonError as error:
            which = f"request {self.count + 1}" if self.count else "the request"
            self.failure = UserError(f"{which} is no {self._class.__descriptor__.full_name}: {error}")
            raise self.failure from None
        self.count += 1
        return message

    async def _pieces(self) -> AsyncIterator[str]:
        if self._data not in _STANDARD_INPUT:
            yield self._data or ""
            return
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            async for piece in _read_standard_input():
                yield decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            self.failure = UserError(f"standard input is not UTF-8: {error.reason}")
            raise self.failure from None


async def _read_standard_input() -> AsyncIterator[bytes]:
    """What comes in, when it comes.

    A thread waits for it, as it may be a file, a pipe or a terminal. It is a daemon, because the call may end before
    the input does, and reads the bare descriptor: the interpreter could not exit over a locked sys.stdin.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=2)
    descriptor = sys.stdin.fileno()

    def read() -> None:
        piece = b"-"
        while piece:
            try:
                piece = os.read(descriptor, _PIECE)
            except OSError:
                piece = b""
            try:
                asyncio.run_coroutine_threadsafe(queue.put(piece), loop).result()
            except (RuntimeError, asyncio.CancelledError):  # the loop is gone
                return

    threading.Thread(target=read, daemon=True).start()
    while piece := await queue.get():
        yield piece
