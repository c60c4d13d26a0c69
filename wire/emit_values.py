"""Writes the statements that read one value: the part of a decoder below its fields."""

from __future__ import annotations

from . import read_helpers as helpers
from .fixed import FORMATS, STRUCTS
from .generated import Source
from .plan import FieldPlan, Kind


def emit_length(source: Source, skip: int, stop: str = "e") -> None:
    """Read a length `skip` bytes behind `pos` into `n`; the payload begins at `pos` and ends at `stop`."""
    source.bind("rest_length", helpers.rest_length)
    source.line(f"n = data[pos + {skip}]")
    source.line(f"if n < 128: pos += {skip + 1}")
    source.line(f"else: n, pos = rest_length(data, pos + {skip + 1}, n)")
    source.line(f"{stop} = pos + n")


class ValueEmitter:
    def __init__(self, source: Source) -> None:
        self.source = source

    def emit(self, field: FieldPlan, target: str, skip: int) -> None:
        """Read the scalar `skip` bytes behind `pos` into `target`, and move `pos` behind it.

        `target` is something to assign to, or a statement with {} for the value. Of an enum, the number is read.
        """
        assign = target if "{}" in target else f"{target} = {{}}"
        if field.kind is Kind.STRING or field.kind is Kind.BYTES:
            emit_length(self.source, skip)
            self.source.line(f"{assign.format(_text(field))}; pos = e")
        elif field.kind in FORMATS:
            unpack = self.source.bind(f"unpack_{field.kind.value}_from", helpers.UNPACK[field.kind])
            size = STRUCTS[field.kind].size
            self.source.line(f"{assign.format(f'{unpack}(data, pos + {skip})[0]')}; pos += {skip + size}")
        else:
            self._varint(field.kind, assign, skip)

    def _varint(self, kind: Kind, assign: str, skip: int) -> None:
        """Numbers of up to three bytes are read here, of one byte if zigzag or bool; more are left to a function."""
        source = self.source
        function, argument = helpers.REST[kind]
        source.bind(function, getattr(helpers, function))
        source.bind(argument, getattr(helpers, argument))
        rest = f"v, pos = {function}(data, pos + {skip + 1}, v, {argument})"
        source.line(f"v = data[pos + {skip}]")
        if kind in (Kind.SINT32, Kind.SINT64):
            source.bind("ZIGZAG", helpers.ZIGZAG)
            source.line(f"if v < 128: pos += {skip + 1}; {assign.format('ZIGZAG[v]')}")
            source.line(f"else: {rest}; {assign.format('(v >> 1) ^ -(v & 1)')}")
            return
        source.line(f"if v < 128: pos += {skip + 1}")
        if kind is Kind.BOOL:
            source.line(f"else: {rest}")
            source.line(assign.format("True if v else False"))
            return
        source.bind("ADD_7", helpers.ADD_7)
        source.bind("ADD_14", helpers.ADD_14)
        with source.block("else:"):
            source.line(f"b = data[pos + {skip + 1}]")
            source.line(f"if b < 128: v += ADD_7[b]; pos += {skip + 2}")
            with source.block("else:"):
                source.line(f"c = data[pos + {skip + 2}]")
                source.line(f"if c < 128: v += ADD_7[b] + ADD_14[c]; pos += {skip + 3}")
                source.line(f"else: {rest}")
        if assign != "v = {}":
            source.line(assign.format("v"))


def _text(field: FieldPlan) -> str:
    if field.kind is Kind.BYTES:
        return "data[pos:e]"
    return "data[pos:e].decode()" if field.utf8 else "data[pos:e].decode('utf-8', 'surrogateescape')"
