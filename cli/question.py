"""What `list` and `describe` share: a question to a server or to files, about a name or about everything."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from .connection import open_channel, parse_headers
from .errors import UserError
from .source import Source, has_schema, open_source


def add_question_arguments(parser: argparse.ArgumentParser, what: str) -> None:
    """HOST:PORT and a name. Which of them a lone argument is, depends on whether the schema comes from files."""
    parser.add_argument(
        "target_and_name",
        nargs="*",
        metavar=f"HOST:PORT {what}",
        help=f"the server (not needed with --proto); {what} may be left out",
    )


async def ask(arguments: argparse.Namespace, answer: Callable[[Source, str | None], Awaitable[None]]) -> None:
    """Open the source that the arguments name and have the question answered. Raises what `open_source` does."""
    words: list[str] = arguments.target_and_name
    from_files = has_schema(arguments)
    if len(words) > 2:
        raise UserError(f"too many arguments: {' '.join(words[2:])}", 2)
    if not words and not from_files:
        raise UserError("HOST:PORT or --proto FILE is needed", 2)
    target = None if from_files else words[0]
    name = words[-1] if len(words) == 2 or (from_files and words) else None
    metadata = parse_headers(arguments.headers)
    async with AsyncExitStack() as stack:
        channel = None
        if target is not None:
            channel = await stack.enter_async_context(open_channel(arguments, target))
        await answer(await stack.enter_async_context(open_source(arguments, channel, metadata)), name)
