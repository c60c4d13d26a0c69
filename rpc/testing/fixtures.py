"""pytest fixtures, for suites that use pytest-asyncio. In conftest.py:

    pytest_plugins = ["barewire.rpc.testing.fixtures"]

    @pytest.fixture
    def grpc_servicers():
        return [Bookstore()]

and a test takes `grpc_pair` (or only `grpc_channel`): a server with these servicers, and a channel to it, in memory.
`grpc_recorder` has the calls as the server saw them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio

from ..aio.channel import Channel
from .pair import Pair, connected
from .recorder import Recorder


@pytest.fixture
def grpc_servicers() -> Sequence[object]:
    """The servicers to test: to be overridden."""
    raise NotImplementedError("define a fixture grpc_servicers() that returns a list of servicers")


@pytest.fixture
def grpc_server_options() -> Mapping[str, Any]:
    """Keywords of `Server`; may be overridden."""
    return {}


@pytest.fixture
def grpc_channel_options() -> Mapping[str, Any]:
    """Keywords of `Channel`; may be overridden."""
    return {}


@pytest.fixture
def grpc_recorder() -> Recorder:
    """Records the calls of `grpc_pair`, on the server's side, outside all its other interceptors."""
    return Recorder()


@pytest_asyncio.fixture
async def grpc_pair(
    grpc_servicers: Sequence[object],
    grpc_server_options: Mapping[str, Any],
    grpc_channel_options: Mapping[str, Any],
    grpc_recorder: Recorder,
) -> AsyncGenerator[Pair, None]:
    """A server and a channel to it, in memory (see `connected`)."""
    options = dict(grpc_server_options)
    options["interceptors"] = [grpc_recorder, *options.get("interceptors", ())]
    async with connected(grpc_servicers, channel=grpc_channel_options, **options) as pair:
        yield pair


@pytest_asyncio.fixture
async def grpc_channel(grpc_pair: Pair) -> Channel:
    """The channel of `grpc_pair`."""
    return grpc_pair.channel
