"""Watch a server at work: calls, errors, latencies and active streams by method, once a second, until Ctrl-C.

  barewire top localhost:50051
  barewire top localhost:50051 --once --json

A barewire server tells methods when it records statistics (`serve --stats`). Of any other server that has
channelz, the servers of its process and their connections are shown."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from ..rpc import Channel, Metadata, RpcError, StatusCode
from .connection import add_connection_arguments, open_channel, parse_headers, seconds
from .errors import UserError
from .top_channelz import views_of_channelz
from .top_stats import views_of_stats
from .top_view import View, open_console, render

Views = AsyncGenerator[View, None]
Show = Callable[[argparse.Namespace, Views], Awaitable[None]]

# In the order in which they are tried.
_SOURCES: tuple[Callable[[Channel, Metadata, float], Views], ...] = (views_of_stats, views_of_channelz)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="HOST:PORT", help="also unix:PATH")
    parser.add_argument("--interval", type=seconds, default=1.0, metavar="SECONDS", help="default: 1")
    parser.add_argument("--once", action="store_true", help="print what happens in one interval, and end")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each interval")
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    show = _show_json if arguments.json else _show_once if arguments.once else _show_live
    try:
        asyncio.run(_watch(arguments, show))
    except KeyboardInterrupt:
        if arguments.once:
            raise
    return 0  # a view without an end is ended by Ctrl-C


async def _watch(arguments: argparse.Namespace, show: Show) -> None:
    metadata = parse_headers(arguments.headers)
    async with (
        open_channel(arguments, arguments.target) as channel,
        aclosing(_views(channel, metadata, arguments.interval)) as views,
    ):
        await show(arguments, views)


async def _views(channel: Channel, metadata: Metadata, interval: float) -> Views:
    """Views from the first source that the server has. Raises RpcError, UserError if it has none."""
    for source in _SOURCES:
        try:
            async with aclosing(source(channel, metadata, interval)) as views:
                async for view in views:
                    yield view
            return
        except RpcError as error:
            if error.code is not StatusCode.UNIMPLEMENTED:
                raise
    raise UserError(
        "the server offers neither statistics nor channelz; start it with Server(…, stats=True) "
        "or `barewire serve --stats`"
    )


async def _show_json(arguments: argparse.Namespace, views: Views) -> None:
    async for view in views:
        print(json.dumps(view.to_dict()), flush=True)
        if arguments.once:
            return


async def _show_once(arguments: argparse.Namespace, views: Views) -> None:
    console = open_console()
    async for view in views:
        console.print(render(view, arguments.target))
        return


async def _show_live(arguments: argparse.Namespace, views: Views) -> None:
    console = open_console()
    from rich.live import Live

    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        async for view in views:
            live.update(render(view, arguments.target, console.height), refresh=True)
