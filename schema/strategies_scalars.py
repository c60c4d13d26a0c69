"""Strategies for the values of scalar fields. See `strategies`."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ..wire.plan import Kind
from ..wire.scalar import RANGES
from .fuzz.boundaries import BLOBS, BOUNDARIES, TEXTS

Strategy = st.SearchStrategy[Any]
MESSAGES = (Kind.MESSAGE, Kind.GROUP)
ENUM_NUMBERS = st.integers(*RANGES[Kind.ENUM])


def _scalars(kind: Kind) -> Strategy:
    if kind in RANGES:
        low, high = RANGES[kind]
        near_zero = st.integers(max(low, -200), min(high, 200))
        return st.one_of(st.sampled_from(BOUNDARIES[kind]), near_zero, st.integers(low, high))
    match kind:
        case Kind.FLOAT | Kind.DOUBLE:
            width = 32 if kind is Kind.FLOAT else 64
            return st.one_of(st.sampled_from(BOUNDARIES[kind]), st.floats(width=width))
        case Kind.STRING:
            any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
            return st.one_of(st.sampled_from(TEXTS), any_text)
        case _:
            return st.one_of(st.sampled_from(BLOBS), st.binary(max_size=8))


SCALARS: dict[Kind, Strategy] = {
    **{kind: _scalars(kind) for kind in Kind if kind not in (Kind.BOOL, Kind.ENUM, *MESSAGES)},
    Kind.BOOL: st.booleans(),
}
"""Values of each scalar kind, the limits of its range and other boundaries among them; enums have their own."""
