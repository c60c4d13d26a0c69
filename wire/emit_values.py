"""Writes the statements that read one value: the part of a decoder below its fields."""

from __future__ import annotations

from . import read_helpers as helpers
from .fixed import FORMATS, STRUCTS
from .generated import Source
from .plan import FieldPlan, Kind
from .varint import decode_varint


def emit_length(source: Source, skip: int, stop: str = "e") -> None:
    """Read a length `skip` bytes behind `pos` into `n`; the payload begins at `pos` and ends at `stop`, if given."""
    source.bind("rest_length", helpers.rest_length)
    source.line(f"n = data[pos + {skip}]")
    source.line(f"if n < 128: pos += {skip + 1}")
    source.line(f"else: n, pos = rest_length(data, pos + {skip + 1}, n)")
    if stop:
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
            emit_length(self.source, skip, stop="")
            self.source.line(assign.format(_text(field)))
        elif field.kind in FORMATS:
            unpack = self.source.bind(f"unpack_{field.kind.value}_from", helpers.UNPACK[field.kind])
            size = STRUCTS[field.kind].size
            self.source.line(f"{assign.format(f'{unpack}(data, pos + {skip})[0]')}; pos += {skip + size}")
        elif field.kind is Kind.BOOL:
            self._bool(assign, skip)
        else:
            self._integer(field.kind, assign, skip)

    def _bool(self, assign: str, skip: int) -> None:
        source = self.source
        source.bind("decode_varint", decode_varint)
        source.line(f"if data[pos + {skip}] == 1: {assign.format('True')}; pos += {skip + 1}")
        source.line(f"elif data[pos + {skip}] == 0: {assign.format('False')}; pos += {skip + 1}")
        source.line(f"else: v, pos = decode_varint(data, pos + {skip}, end); {assign.format('v != 0')}")

    def _integer(self, kind: Kind, assign: str, skip: int) -> None:
        """Varints of up to three bytes are read here; more are left to a function."""
        source = self.source
        function, argument = helpers.REST[kind]
        for name in (function, argument, "ADD_7", "ADD_14", "ZIGZAG"):
            source.bind(name, getattr(helpers, name))
        zigzag = kind in (Kind.SINT32, Kind.SINT64)
        source.line(f"v = data[pos + {skip}]")
        source.line(f"if v < 128: pos += {skip + 1}" + (f"; {assign.format('ZIGZAG[v]')}" if zigzag else ""))
        with source.block("else:"):
            source.line(f"b = data[pos + {skip + 1}]")
            source.line(f"if b < 128: v += ADD_7[b]; pos += {skip + 2}")
            with source.block("else:"):
                source.line(f"c = data[pos + {skip + 2}]; v += ADD_7[b] + ADD_14[c]")
                source.line(f"if c < 128: pos += {skip + 3}")
                source.line(f"else: v, pos = {function}(data, pos + {skip + 3}, v, {argument})")
            if zigzag:
                source.line(assign.format("(v >> 1) ^ -(v & 1)"))
        if not zigzag and assign != "v = {}":
            source.line(assign.format("v"))


def _text(field: FieldPlan) -> str:
    payload = "data[pos:(pos := pos + n)]"
    if field.kind is Kind.BYTES:
        return payload
    return f"{payload}.decode()" if field.utf8 else f"{payload}.decode('utf-8', 'surrogateescape')"
