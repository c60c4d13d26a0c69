"""gRPC on asyncio."""

from __future__ import annotations

from .call_objects import Call, StreamStreamCall, StreamUnaryCall, UnaryStreamCall, UnaryUnaryCall
from .channel import Channel
from .context import ServicerContext, SyncServicerContext
from .server import Server

__all__ = [
    "Call",
    "Channel",
    "Server",
    "ServicerContext",
    "StreamStreamCall",
    "StreamUnaryCall",
    "SyncServicerContext",
    "UnaryStreamCall",
    "UnaryUnaryCall",
]
