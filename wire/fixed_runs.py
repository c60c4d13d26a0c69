"""Runs: neighbouring fields of fixed width, which one Struct packs and unpacks together with their tags."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .fixed import FORMATS
from .plan import Cardinality, FieldPlan, Kind


def fixed_runs(fields: Sequence[FieldPlan], *, one_byte_tags: bool = False) -> dict[int, list[FieldPlan]]:
    """The runs of two fields or more, by the index of their first field."""

    def joins(pair: tuple[int, FieldPlan]) -> bool:
        field = pair[1]
        return (
            field.kind in FORMATS
            and field.kind
            is not Kind.FLOAT  # one may be too large for its Struct, or so small that it turns into zero
            and field.cardinality is Cardinality.IMPLICIT
            and not (one_byte_tags and field.number > 15)
        )

    runs: dict[int, list[FieldPlan]] = {}
    for run, group in groupby(enumerate(fields), key=joins):
        members = list(group)
        if run and len(members) > 1:
            runs[members[0][0]] = [field for _, field in members]
    return runs
