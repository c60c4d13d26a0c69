"""Many large messages at once: they come one after the other, in bounded memory, and none is refused."""

from __future__ import annotations

import pytest
from hyperframe import frame as hf
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire.rpc.events import MessageReceived
from barewire.rpc.limits import Limits
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_pair import Pair
from tests.support.rpc_raw_peer import RawClient, envelope

LARGEST = 512 * 1024
LIMITS = Limits(
    max_unfinished_bytes=4 << 20,
    max_receive_message_size=LARGEST,
    stream_window=128 << 10,
    connection_window=256 << 10,
    max_window=512 << 10,
)


def many(
    sizes: list[int], given_up: set[int], *, messages: int = 1, settings_late: bool = False
) -> tuple[Pair, list[bool]]:
    """Send messages of these sizes on calls of their own, give up some half-way. Which of the calls were whole."""
    pair = Pair(client_limits=LIMITS, server_limits=LIMITS)
    calls = [pair.start(*[bytes(size)] * messages, end=True) for size in sizes]
    read = 0
    for turn in range(10_000):
        sent = pair.client_to_server()
        assert pair.server.incomplete.size <= LIMITS.max_unfinished_bytes
        for event in pair.server_events[read:]:  # an application that reads at once
            if isinstance(event, MessageReceived):
                event.call.consumed(event.size)
        read = len(pair.server_events)
        if turn == 20:
            for number in given_up:
                calls[number % len(calls)].fail(Status(StatusCode.CANCELLED))
        if settings_late and turn % 3:
            continue
        if not sent + pair.server_to_client() and turn > 20:
            break
    whole = [not call.ended and pair_got(pair, call.stream_id, messages) for call in calls]
    return pair, whole


def pair_got(pair: Pair, stream_id: int, messages: int) -> bool:
    """Whether so many messages have come on a stream, and then its end."""
    came = [type(event).__name__ for event in pair.server_events if stream_of(event) == stream_id]
    return came.count("MessageReceived") == messages and came[-1] == "RequestEnded"


def stream_of(event: object) -> int:
    return getattr(getattr(event, "call", None), "stream_id", 0)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, LARGEST), min_size=1, max_size=60),
    st.sets(st.integers(0, 59), max_size=8),
    st.integers(1, 2),
    st.booleans(),
)
@pytest.mark.rule(72)
def test_r72_all_of_many_messages_come(
    sizes: list[int], given_up: set[int], messages: int, settings_late: bool
) -> None:
    pair, whole = many(sizes, given_up, messages=messages, settings_late=settings_late)
    assert whole.count(True) >= len(sizes) - len(given_up)
    incomplete = pair.server.incomplete
    assert (incomplete.size, incomplete.count) == (0, 0)
    assert not incomplete._waiting
    assert not incomplete._favoured


@pytest.mark.rule(72)
def test_r72_windows_shrink_while_there_are_many_and_grow_back() -> None:
    pair, whole = many([LARGEST] * 60, set())
    assert all(whole)
    assert pair.server.http2.stream_window < LIMITS.stream_window
    pair.now += 2  # not at once
    _, theirs = pair.open(bytes(200_000), end=True)
    pair.exchange()
    assert pair.consume(theirs)
    http2 = pair.server.http2
    assert http2.settings_agreed
    assert http2.stream_window == pair.server._bandwidth.window
    assert http2.stream_window >= LIMITS.stream_window


def crowd() -> RawClient:
    """Three calls with too large messages for all of them: the first has the turn, the last waits for it."""
    client = RawClient(
        Limits(max_unfinished_bytes=200_000, max_receive_message_size=100_000, stream_window=65_535)
    )
    incomplete = client.core.incomplete
    for stream_id in (1, 3, 5):
        client.request(stream_id, end=False)
    for stream_id in (5, 3, 1):
        client.send(client.data(stream_id, envelope(bytes(90_000))[:16_000]))
        client.send(*(client.data(stream_id, bytes(16_000)) for _ in range(2)))
    assert [call.stream_id for call in incomplete._favoured] == [1]  # the others were there before the crowd
    client.send(client.data(5, bytes(16_000)))
    assert [call.stream_id for call in incomplete._waiting] == [5]
    assert not client.core.ended
    client.forget()
    return client


@pytest.mark.rule(72)
def test_r72_who_waits_goes_on_when_others_are_cancelled() -> None:
    """The ones whose turn it is never end their messages; when their calls end, the next ones get the turn."""
    client = crowd()
    incomplete = client.core.incomplete
    client.send(client.reset(1))
    assert not incomplete._waiting
    client.send(client.reset(5), client.reset(3))
    assert (incomplete.size, incomplete.count) == (0, 0)


@pytest.mark.rule(72)
@pytest.mark.parametrize("how", ["closed here", "closed by the peer", "at fault"])
def test_r72_nobody_goes_on_when_the_connection_ends(how: str) -> None:
    client = crowd()
    if how == "closed here":
        client.core.close("enough")
    elif how == "closed by the peer":
        client.core.peer_closed("gone")
    else:
        client.deliver(b"\0\0\1" + bytes(6) + b"x")  # DATA on no stream
    client.take()
    assert client.core.ended
    assert len(client.endings()) == 3
    assert not client.of(hf.WindowUpdateFrame)
    incomplete = client.core.incomplete
    assert (incomplete.size, incomplete.count, len(incomplete._waiting)) == (0, 0, 0)


def test_windows_for_every_number_of_messages() -> None:
    incomplete = Pair().server.incomplete
    room, wanted = incomplete.limit // 4, 8 << 20
    for count in range(1, 3000):
        incomplete.count = count
        window = incomplete.window(wanted)
        assert 16 << 10 <= window <= wanted
        assert window & (window - 1) == 0
        assert window == 16 << 10 or window * count <= room
        incomplete.fitted(window, wanted)
        assert incomplete._least < count <= incomplete._most or count == 1
        assert (incomplete._least == -1) == (window == wanted)
    incomplete.count = 0
    assert incomplete.window(wanted) == wanted


@pytest.mark.rule(72)
def test_r72_waves_of_messages_make_no_flood_of_settings() -> None:
    pair = Pair(client_limits=LIMITS, server_limits=LIMITS)
    http2 = pair.server.http2
    windows = [http2.stream_window]
    for _ in range(50):
        calls = [pair.start(bytes(200_000), end=True) for _ in range(20)]
        while pair.client_to_server() + pair.server_to_client():
            if http2.stream_window != windows[-1]:
                windows.append(http2.stream_window)
        pair.server_events.clear()
        for call in calls:
            call.fail(Status(StatusCode.CANCELLED))
        pair.exchange()
        pair.now += 0.01
    assert min(windows) < LIMITS.stream_window
    assert len(windows) < 10
