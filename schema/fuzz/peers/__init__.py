"""The implementations to compare with, one small adaptor each. None is imported before it is asked for."""

from __future__ import annotations

from ...message import Message
from .peer import Peer, PeerError

PEERS = {
    "upb": "google.protobuf with its C core",
    "python": "google.protobuf without it, in pure Python",
    "protoc": "Google's C++, through `protoc --decode` (slow: two processes per case)",
    "reference": "barewire's own readable codec, wire/interpret.py",
}


def open_peer(name: str, message_class: type[Message]) -> Peer:
    """A peer that is ready to answer questions about a message type. Raises PeerError when it is not to be had."""
    match name:
        case "upb" | "python":
            from .process import GooglePeer

            return GooglePeer(name, message_class)
        case "protoc":
            from .protoc import ProtocPeer

            return ProtocPeer(message_class)
        case "reference":
            from .reference import ReferencePeer

            return ReferencePeer(message_class)
        case _:
            raise PeerError(f"there is no peer {name!r}; there are {', '.join(PEERS)}")


__all__ = ["PEERS", "Peer", "PeerError", "open_peer"]
