"""The version of barewire, and how it names itself to peers (R21)."""

from __future__ import annotations

from ..wire.version import __version__

__all__ = ["USER_AGENT", "__version__"]

USER_AGENT = f"grpc-python-barewire/{__version__}"
