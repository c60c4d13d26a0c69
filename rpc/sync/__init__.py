"""gRPC for blocking code: the caller's thread does the I/O. No event loop, no threads of its own."""

from __future__ import annotations

from .call_objects import Call, StreamStreamCall, StreamUnaryCall, UnaryStreamCall, UnaryUnaryCall
from .channel import Channel

__all__ = ["Call", "Channel", "StreamStreamCall", "StreamUnaryCall", "UnaryStreamCall", "UnaryUnaryCall"]
