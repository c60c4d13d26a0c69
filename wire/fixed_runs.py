"""Runs: neighbouring fields of fixed width, which one Struct packs and unpacks together with their tags."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .fixed import FORMATS
from .plan import Cardinality, FieldPlan, Kind


def _joins(field: FieldPlan) -> bool:
    # A float may overflow, which costs a way of its own; one-byte tags keep positions in a run easy to compute.
    return (
        field.kind in FORMATS
        and field.kind is not Kind.FLOAT
        and field.cardinality is Cardinality.IMPLICIT
        and field.number < 16
    )


def fixed_runs(fields: Sequence[FieldPlan]) -> dict[int, list[FieldPlan]]:
    """The runs of two fields or more, by the index of their first field."""
    runs: dict[int, list[FieldPlan]] = {}
    for joins, group in groupby(enumerate(fields), key=lambda pair: _joins(pair[1])):
        members = list(group)
        if joins and len(members) > 1:
            runs[members[0][0]] = [field for _, field in members]
    return runs
