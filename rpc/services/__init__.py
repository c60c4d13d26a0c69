"""The services that come with every server: health and reflection."""

from __future__ import annotations

from .health import HealthServicer
from .reflection import make_reflection

__all__ = ["HealthServicer", "make_reflection"]
