"""The fast codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import interpret
from .plan import MessagePlan


class Codec:
    def forget(self) -> None: ...


def encoder(plan: MessagePlan) -> Callable[[Any], bytes]:
    return interpret.encode


def decoder(plan: MessagePlan) -> Callable[[Any], Any]:
    return lambda data: interpret.decode(plan, data)
