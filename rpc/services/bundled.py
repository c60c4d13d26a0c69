"""The `.proto` files of the standard services, compiled when they are first needed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ... import schema

PROTO_ROOT = Path(__file__).parent / "protos"


@cache
def bundled(name: str) -> schema.Schema:
    """The schema of a bundled file, by the name that it is imported under."""
    return schema.load(name, include=[PROTO_ROOT])
