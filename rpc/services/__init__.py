"""The services that come with every server: health and reflection."""

from __future__ import annotations

from collections.abc import Sequence

from ..handlers import service_of
from .health import HealthServicer
from .reflection import reflection_servicers


def standard_services(
    servicers: Sequence[object], *, health: bool, reflection: bool
) -> tuple[list[object], HealthServicer | None]:
    """The standard servicers for a server of `servicers`, and the health one among them (None if turned off, or if
    the server brings its own)."""
    own = {spec.full_name for spec in map(service_of, servicers) if spec}
    extra: list[object] = []
    health_servicer = None
    if health and "grpc.health.v1.Health" not in own:
        health_servicer = HealthServicer(own)
        extra.append(health_servicer)
    if reflection:
        extra += reflection_servicers([*servicers, *extra])
    return extra, health_servicer
