"""Writes the encoder of one message as Python source: one function per message.

What the source looks like: load every field into a local, turn it into tag and value where that takes statements, and
join the pieces of all fields at the end. Values below 128 come, with their tag, from a table whose entry for zero is
empty where presence is implicit. Nested bytes are built from the inside out, so lengths are known when they are needed.

`specialize.source` prints the result.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from . import interpret
from . import write_helpers as helpers
from .access import holds_messages, key_and_value, message_class, sub_plan
from .emit_text_leaf import emit_leaf_encoder
from .fixed import FORMATS
from .fixed_runs import fixed_runs
from .generated import Linker, Source
from .packed import PACKERS
from .plan import Cardinality, FieldPlan, Kind, MessagePlan
from .read_helpers import Unusual
from .scalar import FLOAT_ZERO, wire_type
from .skip import MAX_NESTING
from .tag import WireType, encode_tag

MANY = 10  # messages of more fields than this are taken to be sparse, which makes a test for zero worth its while

_COMMON = {
    "join": b"".join,
    "utf8": str.encode,
    "VARINT": helpers.VARINT,
    "CONTINUED": helpers.CONTINUED,
    "ZERO": 0,  # for tests of identity: quick for the usual zero, and the general way is right for all others
    "FLOAT_ZERO": FLOAT_ZERO,
    "Unusual": Unusual,
    "long_length": helpers.long_length,
    "odd_bool": helpers.odd_bool,
    "odd_bytes": helpers.odd_bytes,
    "odd_list": helpers.odd_list,
    "odd_map": helpers.odd_map,
    "in_order": helpers.in_order,
    "in_byte_order": helpers.in_byte_order,
    "odd_message": helpers.odd_message,
    "odd_zero": helpers.odd_zero,
    "LEAST_FLOAT": helpers.LEAST_FLOAT,
    "MINUS_LEAST_FLOAT": -helpers.LEAST_FLOAT,
    "minus_zero": helpers.minus_zero,
    "odd_float": helpers.odd_float,
}


class EncoderEmitter:
    """Gathers, field by field, the statements of an encoder and the pieces that it joins at the end."""

    def __init__(
        self, source: Source, plan: MessagePlan, linker: Linker, deterministic: bool = False
    ) -> None:
        self.source = source
        self.plan = plan
        self.linker = linker
        self.deterministic = deterministic
        self.write = "write_deterministic" if deterministic else "write"  # the kind of function to call
        self.pieces: list[str] = []
        source.namespace.update(_COMMON)

    def emit_message(self) -> None:
        """`write(m, depth)`: the bytes of a message; `depth` is how many more levels of nesting are allowed."""
        with self.source.block(f"def {self.write}(m, depth):"):
            self.source.line("if depth < 0: raise Unusual")
            self.emit_body()

    def emit_body(self) -> None:
        """What `write` does, for locals `m` and `depth`."""
        source, plan = self.source, self.plan
        source.line(
            f"if m.__class__ is not {source.bind('Message', message_class(plan))}: odd_message(m, Message)"
        )
        runs = fixed_runs(plan.fields)
        for index, field in enumerate(plan.fields):
            if index in runs:
                self._run(runs[index])
            elif not any(field in run for run in runs.values()):
                self.emit_field(field, f"m.{field.attribute}")
        if plan.extensions:
            write_extensions = self.linker.function(plan, f"{self.write}_extensions")
            self.pieces.append(f"{write_extensions}(m._extensions, depth) if m._extensions else b''")
        self._finish()

    def emit_extensions(self) -> None:
        """`write_extensions(values, depth)`: the bytes of a message's extensions, given as a dict by number."""
        with self.source.block(f"def {self.write}_extensions(values, depth):"):
            for number in sorted(self.plan.extensions):
                self.emit_field(self.plan.extensions[number], f"values.get({number})")
            self.source.line(f"return {self._joined()}")

    def _finish(self) -> None:
        if not self.pieces:
            self.source.line("return m._unknown and bytes(m._unknown)")
            return
        self.source.line(f"r = {self._joined()}")
        self.source.line("return r + m._unknown if m._unknown else r")

    def _joined(self) -> str:
        if len(self.pieces) == 1:
            return self.pieces[0]
        rows = ",\n        ".join(f"({piece})" if " if " in piece else piece for piece in self.pieces)
        return f"join((\n        {rows},\n    ))"

    # Fields: each loads its value into the local `v` and adds its pieces -----------------------------------------

    def emit_field(self, field: FieldPlan, load: str) -> None:
        """`load` is the expression that reads the field; it may be None for an absent extension."""
        if field.kind is Kind.BOOL and field.cardinality is Cardinality.IMPLICIT:
            # The usual values are constants, for which the field is looked at but once: no local is needed.
            self.pieces.append(self._bool(load, _tag(field) + b"\1", b""))
            return
        v = f"f_{field.number}"
        is_extension = not load.startswith("m.")
        self.source.line(f"{v} = {load}  # {field.name}")
        if field.cardinality is Cardinality.REPEATED:
            self._repeated(field, v, is_extension)
        elif field.cardinality is Cardinality.MAP:
            self._map(field, v)
        else:
            if field.cardinality is Cardinality.REQUIRED:
                self.source.line(f"if {v} is None: raise Unusual")
            self._single(field, v)

    def _single(self, field: FieldPlan, v: str) -> None:
        implicit = field.cardinality is Cardinality.IMPLICIT
        if implicit and field.kind in (Kind.STRING, Kind.BYTES) and len(self.plan.fields) <= MANY:
            n, tag = f"n_{field.number}", _tag(field)
            self._to_bytes(field, v)
            self.source.line(f"{n} = len({v})")
            self.pieces += [f"{self._table(tag, True)}[{n}] if {n} < 128 else long_length({tag!r}, {n})", v]
        elif holds_messages(field) or field.kind in (Kind.STRING, Kind.BYTES):
            type_name = "str" if field.kind is Kind.STRING else "bytes"
            test = f"not {v} and {v}.__class__ is {type_name}" if implicit else f"{v} is None"
            with self.source.block(f"if {test}:"):
                self.source.line(f"{v} = n_{field.number} = b''")
            with self.source.block("else:"):
                self._check_depth(field, 1)
                self.pieces += self._delimited(field, v, f"n_{field.number}")
        elif implicit:
            self.pieces.append(self._implicit(field, v))
        else:
            self.pieces.append(f"b'' if {v} is None else {self._scalar(field, v)}")

    def _implicit(self, field: FieldPlan, v: str) -> str:
        if field.kind in FORMATS:
            return self.implicit_fixed(field, v)
        piece = self._varint(field.kind, v, _tag(field), zero_is_empty=True)
        return f"b'' if {v} is ZERO else {piece}" if len(self.plan.fields) > MANY else piece

    def implicit_fixed(self, field: FieldPlan, v: str) -> str:
        """Tag and value unless the value is zero; negative zero is no zero."""
        pack = self._fixed(field.kind, v, _tag(field))
        if field.kind is Kind.FLOAT:  # smaller values than the least float may turn into zero
            usual = f"{v} >= LEAST_FLOAT or {v} <= MINUS_LEAST_FLOAT"
            return f"{pack} if {usual} or {v} is not FLOAT_ZERO and odd_float({v}) else b''"
        if field.kind is Kind.DOUBLE:
            return f"{pack} if {v} or {v} is not FLOAT_ZERO and minus_zero({v}) else b''"
        return f"{pack} if {v} else b'' if {v} is ZERO else odd_zero({v})"

    def _repeated(self, field: FieldPlan, v: str, is_extension: bool) -> None:
        source, n = self.source, f"n_{field.number}"
        with source.block(f"if {v}.__class__ is not list:"):
            source.line(f"{v} = odd_list({v}{' or ()' if is_extension else ''})")
        if field.packed:
            pack = source.bind(f"pack_{field.kind.value}", PACKERS[field.kind])
            source.line(
                f"if {v}: {v} = {pack}({v}); {n} = len({v}); {n} = {self._length(_packed_tag(field), n)}"
            )
            source.line(f"else: {v} = {n} = b''")
            self.pieces += [n, v]
            return
        with source.block(f"if {v}:"):
            if holds_messages(field) or field.kind in (Kind.STRING, Kind.BYTES):
                self._check_depth(field, 1)
                source.line("parts = []; add = parts.append")
                with source.block(f"for x in {v}:"):
                    for piece in self._delimited(field, "x", "n"):
                        source.line(f"add({piece})")
                source.line(f"{v} = join(parts)")
            else:
                source.line(f"{v} = join([{self._scalar(field, 'x')} for x in {v}])")
        source.line(f"else: {v} = b''")
        self.pieces.append(v)

    def _map(self, field: FieldPlan, v: str) -> None:
        source = self.source
        key, value = key_and_value(field)
        with source.block(f"if {v}.__class__ is not dict:"):
            source.line(f"{v} = odd_map({v})")
        with source.block(f"if {v}:"):
            source.line("if depth < 1: raise Unusual")
            self._check_depth(value, 2)
            source.line("parts = []")
            with source.block(f"for k, x in {self._entries(key, v)}:"):
                pieces: list[str] = []
                lengths: list[str] = []
                for part, local in ((key, "k"), (value, "x")):
                    if holds_messages(part) or part.kind in (Kind.STRING, Kind.BYTES):
                        head, length = f"h{local}", f"n{local}"
                        self._to_payload(part, local, "depth - 2")
                        source.line(f"{length} = len({local})")
                        short = f"{head} = {self._table(_tag(part), False)}[{length}]; {length} += 2"
                        source.line(f"if {length} < 128: {short}")
                        long = f"{head} = long_length({_tag(part)!r}, {length}); {length} += len({head})"
                        source.line(f"else: {long}")
                        pieces += [head, local]
                        lengths.append(length)
                    else:
                        source.line(f"{local} = {self._scalar(part, local)}")
                        pieces.append(local)
                        lengths.append(f"len({local})")
                source.line(f"n = {' + '.join(lengths)}")
                source.line(f"parts += {self._length(_packed_tag(field), 'n')}, {', '.join(pieces)}")
            source.line(f"{v} = join(parts)")
        source.line(f"else: {v} = b''")
        self.pieces.append(v)

    def _entries(self, key: FieldPlan, v: str) -> str:
        if not self.deterministic:
            return f"{v}.items()"
        return f"in_order({v})" if key.kind is not Kind.STRING or key.utf8 else f"in_byte_order({v})"

    def _run(self, run: list[FieldPlan]) -> None:
        """Neighbouring fields of fixed width: one Struct packs tags and values, unless one of them is zero."""
        source = self.source
        names = [f"f_{field.number}" for field in run]
        for field, name in zip(run, names, strict=True):
            source.line(f"{name} = m.{field.attribute}")
        pack = source.bind(f"pack_run_{run[0].number}", _run_packer(run))
        arguments = ", ".join(
            f"{', '.join(map(str, _tag(field)))}, {name}" for field, name in zip(run, names, strict=True)
        )
        source.line(f"if {' and '.join(names)}: {names[0]} = {pack}({arguments})")
        with source.block("else:"):
            each = (self.implicit_fixed(field, name) for field, name in zip(run, names, strict=True))
            source.line(f"{names[0]} = " + " + ".join(f"({piece})" for piece in each))
        self.pieces.append(names[0])

    # Values ------------------------------------------------------------------------------------------------------

    def _delimited(self, field: FieldPlan, v: str, n: str, depth: str = "depth - 1") -> list[str]:
        """Statements that turn the local `v` into bytes and `n` into tag and length; the pieces to add."""
        source, tag = self.source, _tag(field)
        self._to_payload(field, v, depth)
        if field.kind is Kind.GROUP:
            source.line(f"{n} = {tag!r}; {v} += {encode_tag(field.number, WireType.EGROUP)!r}")
        else:
            source.line(f"{n} = len({v}); {n} = {self._length(tag, n)}")
        return [n, v]

    def _to_payload(self, field: FieldPlan, v: str, depth: str) -> None:
        """Statements that turn the local `v`, text, bytes or a message, into its bytes."""
        source = self.source
        if field.kind is Kind.STRING or field.kind is Kind.BYTES:
            self._to_bytes(field, v)
        else:
            sub = sub_plan(field)
            write = self.linker.function(sub, self.write)
            if self.linker.inlines(sub):
                known = source.bind(f"Message_{field.number}", message_class(sub))
                otherwise = f"{v} = {write}({v}, {depth})"
                with source.block(f"if {v}.__class__ is {known}:"):
                    emit_leaf_encoder(source, sub, v, f"{v} = {{}}", otherwise)
                source.line(f"else: {otherwise}")
            else:
                source.line(f"{v} = {write}({v}, {depth})")

    def _to_bytes(self, field: FieldPlan, v: str) -> None:
        if field.kind is Kind.BYTES:
            self.source.line(f"if {v}.__class__ is not bytes: {v} = odd_bytes({v})")
        elif field.utf8:
            self.source.line(f"{v} = utf8({v})")
        else:
            self.source.line(f"{v} = utf8({v}, 'utf-8', 'surrogateescape')")

    def _check_depth(self, field: FieldPlan, levels: int) -> None:
        """An inlined message checks no depth itself."""
        if holds_messages(field) and self.linker.inlines(sub_plan(field)):
            self.source.line(f"if depth < {levels}: raise Unusual")

    def _length(self, tag: bytes, n: str) -> str:
        return f"{self._table(tag, False)}[{n}] if {n} < 128 else long_length({tag!r}, {n})"

    def _scalar(self, field: FieldPlan, v: str) -> str:
        """An expression for tag and value of the local `v`, whatever its value."""
        tag = _tag(field)
        if field.kind in FORMATS:
            return self._fixed(field.kind, v, tag)
        if field.kind is Kind.BOOL:
            return self._bool(v, tag + b"\1", tag + b"\0")
        return self._varint(field.kind, v, tag, zero_is_empty=False)

    def _bool(self, v: str, yes: bytes, no: bytes) -> str:
        return f"{yes!r} if {v} is True else {no!r} if {v} is False else odd_bool({yes!r}, {no!r}, {v})"

    def _varint(self, kind: Kind, v: str, tag: bytes, *, zero_is_empty: bool) -> str:
        """A chain of single comparisons, the smallest numbers first: `0 <= v < 128` would cost half as much again."""
        write = f"{self.source.bind(f'write_{kind.value}', helpers.WRITERS[kind])}({tag!r}, {v})"
        if kind in (Kind.SINT32, Kind.SINT64):
            table = self._table(tag, zero_is_empty, zigzag=True)
            return f"{table}[{v}] if {v} < 64 and {v} >= -64 else {write}"
        table = self._table(tag, zero_is_empty)
        return (
            f"({table}[{v}] if {v} >= 0 else {write}) if {v} < 128 else {tag!r} + VARINT[{v}] if {v} < 16384"
            f" else {tag!r} + CONTINUED[{v} & 16383] + VARINT[{v} >> 14] if {v} < 268435456 else {write}"
        )

    def _table(self, tag: bytes, zero_is_empty: bool, *, zigzag: bool = False) -> str:
        name = f"{'IMPLICIT' if zero_is_empty else 'TAG'}{'_ZIGZAG' if zigzag else ''}_{tag.hex()}"
        make = helpers.zigzag_table if zigzag else helpers.tag_table
        return self.source.bind(name, make(tag, zero_is_empty))

    def _fixed(self, kind: Kind, v: str, tag: bytes) -> str:
        """One Struct packs the bytes of the tag and the value."""
        pack = self.source.bind(f"pack_tag{len(tag)}_{kind.value}", helpers.fixed_packer(kind, len(tag)))
        return f"{pack}({', '.join(map(str, tag))}, {v})"


def _run_packer(run: list[FieldPlan]) -> Callable[..., bytes]:
    return struct.Struct("<" + "".join(f"{len(_tag(field))}B{FORMATS[field.kind]}" for field in run)).pack


def _tag(field: FieldPlan) -> bytes:
    return encode_tag(field.number, wire_type(field))


def _packed_tag(field: FieldPlan) -> bytes:
    return encode_tag(field.number, WireType.LEN)


def emit_encode(source: Source, plan: MessagePlan, linker: Linker) -> None:
    """`encode(m)`, which takes the place of `Message.encode`. A small message saves itself the call of `write`."""
    source.bind("FAULTS", (*helpers.FAULTS, Unusual))
    source.bind("interpret", interpret.encode)
    with source.block("def encode(m, deterministic=False):"):
        if plan.extensions or any(map(_may_hold_map, plan.fields)):
            source.line(f"if deterministic: return {linker.function(plan, 'encode_deterministic')}(m)")
        with source.block("try:"):
            if linker.inlines(plan):
                emit_leaf_encoder(source, plan, "m", "return {}")
            if len(plan.fields) <= MANY and not plan.message_set:
                source.line(f"depth = {MAX_NESTING}")
                EncoderEmitter(source, plan, linker).emit_body()
            else:
                source.line(f"return {linker.function(plan, 'write')}(m, {MAX_NESTING})")
        source.line("except FAULTS: pass")
        # Not inside `except`: the error that the interpreter raises is the first that its reader should see.
        source.line("return interpret(m)")


def _may_hold_map(field: FieldPlan) -> bool:
    return field.cardinality is Cardinality.MAP or holds_messages(field)


def emit_encode_deterministic(source: Source, plan: MessagePlan, linker: Linker) -> None:
    """`encode_deterministic(m)`, which `encode` calls when it is asked for sorted maps."""
    source.bind("FAULTS", (*helpers.FAULTS, Unusual))
    source.bind("interpret", interpret.encode)
    with source.block("def encode_deterministic(m):"):
        write = linker.function(plan, "write_deterministic")
        source.line(f"try: return {write}(m, {MAX_NESTING})")
        source.line("except FAULTS: pass")
        source.line("return interpret(m, True)")
