"""Is a difference one of those that are known? See `known` for how each is recognised."""

from __future__ import annotations

from collections.abc import Callable

from ...wire.plan import MessagePlan
from .compare import Difference
from .known import KNOWN, Known
from .parts import Resolve, join, split

Ask = Callable[[bytes], Difference | None]


class Explainer:
    """Explains differences with one peer; `ask` compares the two sides on one more input, `resolve` finds the plan of
    what an Any holds."""

    def __init__(self, plan: MessagePlan, peer: str, ask: Ask, resolve: Resolve | None = None) -> None:
        self._plan = plan
        self._resolve = resolve
        self._ask = ask
        self._by_look = [known for known in KNOWN if known.matches is not None and peer in known.peers]
        self._by_rewrite = [known for known in KNOWN if known.rewrite is not None and peer in known.peers]

    def explain(self, data: bytes, difference: Difference) -> Known | None:
        """The known difference that this one is, or None.

        Rewrites add up: an input may have several peculiarities. The one that makes the difference go away names it.
        """
        known = self._looks_like(difference)
        if known is not None:
            return known
        for known in self._by_rewrite:
            assert known.rewrite is not None
            parts = split(self._plan, data, self._resolve)
            known.rewrite(parts)
            rewritten = join(parts)
            if rewritten == data:
                continue
            data = rewritten
            remaining = self._ask(data)
            if remaining is None or self._looks_like(remaining) is not None:
                return known
        return None

    def _looks_like(self, difference: Difference) -> Known | None:
        return next((known for known in self._by_look if known.matches and known.matches(difference)), None)
