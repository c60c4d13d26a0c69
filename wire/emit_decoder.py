"""Writes the decoder of one message as Python source: one function per message.

What the source looks like: a chain of `if`s in the order of the fields, through which control *falls*: behind a
field the next tag is read and compared further down the chain, so a message whose fields come in order is read in one
pass. What no `if` recognises goes to `unusual`, which asks the interpreter.

Bounds are checked late. Slices clip, indexes raise, positions only grow, so a single `pos != end` at the end of a
message catches every overrun. Small submessages are sliced out of their parent, which keeps positions small integers.

`specialize.source` prints the result.
"""

from __future__ import annotations

import struct

from . import read_helpers as helpers
from . import recover
from .access import holds_messages, key_and_value, maker, message_class, oneof_siblings, sub_plan
from .emit_text_leaf import emit_leaf_decoder, emit_leaf_element
from .emit_values import ValueEmitter, emit_length
from .fixed import FORMATS
from .fixed_runs import fixed_runs
from .generated import Linker, Source
from .packed import FEW_UNPACKERS, UNPACKERS
from .plan import Cardinality, EnumPlan, FieldPlan, Kind, MessagePlan
from .scalar import wire_type, zero
from .skip import MAX_NESTING
from .tag import WireType, encode_tag

SMALL = (
    256  # CPython keeps the integers up to 256 ready; positions in a submessage of this size are among them
)

_COMMON = {
    "become": object.__setattr__,
    "Unusual": helpers.Unusual,
    "unusual": helpers.unusual,
    "extensions_of": helpers.extensions_of,
    "extension_list": helpers.extension_list,
    "keep_number": helpers.keep_number,
    "known_members": helpers.known_members,
}


class DecoderEmitter:
    def __init__(self, source: Source, plan: MessagePlan, linker: Linker) -> None:
        self.source = source
        self.plan = plan
        self.linker = linker
        self.values = ValueEmitter(source)
        self.siblings = oneof_siblings(plan.fields)
        source.namespace.update(_COMMON)

    def emit_message(self, group: int | None = None) -> None:
        """`read(data, pos, end, m, depth)`: the message in data[pos:end], merged into `m` unless that is None.

        With `group`, the message ends at that group's end tag instead, and the function returns the position behind
        it, too.
        """
        source, plan = self.source, self.plan
        name = "read" if group is None else "read_group"
        source.bind("PLAN", plan)
        with source.block(f"def {name}(data, pos, end, m, depth):"):
            source.line("if depth < 0: raise Unusual")
            self._begin()
            with source.block("while pos < end:"):
                source.line("start = pos")
                source.line("t = data[pos]")
                if group is not None:
                    self._end_of_group(encode_tag(group, WireType.EGROUP))
                runs = fixed_runs(plan.fields, one_byte_tags=True)
                for index, field in enumerate(plan.fields):
                    if index in runs:
                        self._run(runs[index])
                    self._field(field)
                for number in sorted(plan.extensions):
                    self._field(plan.extensions[number])
                source.line("if pos == start: pos = unusual(m, PLAN, data, pos, end, depth)")
            source.line("if pos != end: raise Unusual" if group is None else "raise Unusual")
            if group is None:
                self._finish()
                source.line("return m")

    def _begin(self) -> None:
        """Make the message, every field absent."""
        source = self.source
        public, storage = message_class(self.plan), message_class(self.plan).__storage__
        source.bind("new", maker(self.plan))
        with source.block("if m is None:"):
            source.line("m = new()")
            same: dict[str, list[str]] = {}
            for field in self.plan.fields:
                if field.cardinality in (Cardinality.REPEATED, Cardinality.MAP):
                    empty = "[]" if field.cardinality is Cardinality.REPEATED else "{}"
                    source.line(f"m.{field.attribute} = {empty}")
                else:
                    same.setdefault(self._absent(field), []).append(f"m.{field.attribute}")
            same.setdefault("b''", []).append("m._unknown")
            same.setdefault("None", []).append("m._extensions")
            for value, targets in same.items():
                source.line(f"{' = '.join(targets)} = {value}")
        if storage is not public:
            # While it is being read, the message is an object of the class that has slots and no rules.
            source.bind("Public", public)
            source.bind("Storage", storage)
            source.line("else: become(m, '__class__', Storage)")

    def _absent(self, field: FieldPlan) -> str:
        if field.cardinality is not Cardinality.IMPLICIT:
            return "None"
        if field.kind is Kind.ENUM:
            return self.source.bind(f"zero_{field.number}", zero(field))
        if field.kind in (Kind.FLOAT, Kind.DOUBLE):
            return self.source.bind("FLOAT_ZERO", zero(field))
        return repr(zero(field))

    def _finish(self) -> None:
        required = [
            f"m.{field.attribute} is None"
            for field in self.plan.fields
            if field.cardinality is Cardinality.REQUIRED
        ]
        if required:
            self.source.line(f"if {' or '.join(required)}: raise Unusual")
        if "Public" in self.source.namespace:
            self.source.line("m.__class__ = Public")

    def _end_of_group(self, tag: bytes) -> None:
        with self.source.block(f"if t == {tag[0]} and data.startswith({tag!r}, pos):"):
            self._finish()
            self.source.line(f"return m, pos + {len(tag)}")

    # Fields ------------------------------------------------------------------------------------------------------

    def _field(self, field: FieldPlan) -> None:
        source = self.source
        packed = field.packed and field.cardinality is Cardinality.REPEATED
        kind = WireType.LEN if packed or field.cardinality is Cardinality.MAP else wire_type(field)
        tag = encode_tag(field.number, kind)
        with source.block(f"if {_matches(tag)}:  # {field.name}"):
            if field.cardinality is Cardinality.MAP:
                self._map(field, tag)
            elif packed:
                self._packed(field, tag)
            elif field.cardinality is Cardinality.REPEATED:
                self._repeated(field, tag)
            else:
                self._single(field, tag)
            source.line("if pos >= end: break")
            source.line("t = data[pos]")

    def _is_extension(self, field: FieldPlan) -> bool:
        return self.plan.extensions.get(field.number) is field

    def _target(self, field: FieldPlan) -> str:
        """The assignable expression for a field."""
        if self._is_extension(field):
            return f"extensions_of(m)[{field.number}]"
        return f"m.{field.attribute}"

    def _list(self, field: FieldPlan) -> str:
        return f"extension_list(m, {field.number})" if self._is_extension(field) else f"m.{field.attribute}"

    def _single(self, field: FieldPlan, tag: bytes) -> None:
        target = self._target(field)
        if holds_messages(field):
            present = f"extensions_of(m).get({field.number})" if self._is_extension(field) else target
            self._submessage(field, tag, target, present)
        elif field.enum is not None:
            self.values.emit(field, "v", len(tag))
            self._store_member(field, field.enum, target)
            return
        else:
            self.values.emit(field, target, len(tag))
        self._clear_siblings(field)

    def _clear_siblings(self, field: FieldPlan) -> None:
        siblings = self.siblings.get(field.attribute) if field.oneof else None
        if siblings:
            self.source.line(" = ".join(f"m.{sibling}" for sibling in siblings) + " = None")

    def _members(self, enum: EnumPlan, number: int) -> str:
        return self.source.bind(f"members_{number}", helpers.Members(enum))

    def _store_member(self, field: FieldPlan, enum: EnumPlan, target: str) -> None:
        """Store the enum member of number `v`; a closed enum keeps what it does not know as an unknown field."""
        source, members = self.source, self._members(enum, field.number)
        if not enum.closed:
            source.line(f"{target} = {members}[v]")
            self._clear_siblings(field)
            return
        tag = encode_tag(field.number, WireType.VARINT)
        with source.block(f"if v in {members}:"):
            source.line(f"{target} = {members}[v]")
            self._clear_siblings(field)
        source.line(f"else: keep_number(m, {tag!r}, v)")

    def _submessage(self, field: FieldPlan, tag: bytes, target: str, present: str) -> None:
        source, sub = self.source, sub_plan(field)
        if field.kind is Kind.GROUP:
            read = self.linker.function(sub, f"read_group_{field.number}")
            source.line(f"{target}, pos = {read}(data, pos + {len(tag)}, end, {present}, depth - 1)")
            return
        read = self.linker.function(sub, "read")
        emit_length(source, len(tag))
        source.line(f"x = {present}")
        source.line(f"if end < {SMALL} or n >= {SMALL}: {target} = {read}(data, pos, e, x, depth - 1)")
        source.line(f"else: {target} = {read}(data[pos:e], 0, n, x, depth - 1)")
        source.line("pos = e")

    def _packed(self, field: FieldPlan, tag: bytes) -> None:
        source = self.source
        emit_length(source, len(tag))
        values = f"{source.bind(f'unpack_{field.kind.value}', UNPACKERS[field.kind])}(data[pos:e])"
        if field.enum is not None:
            members = self._members(field.enum, field.number)
            if field.enum.closed:
                tag = encode_tag(field.number, WireType.VARINT)
                values = f"known_members(m, {tag!r}, {members}, {values})"
            else:
                values = f"map({members}.__getitem__, {values})"
        if self._is_extension(field) or field.enum is not None:
            source.line(f"{self._list(field)}.extend({values})")
        else:
            held, if_ = f"m.{field.attribute}", "if"
            if field.kind in FEW_UNPACKERS:
                few = source.bind(f"few_{field.kind.value}", FEW_UNPACKERS[field.kind])
                source.line(f"if n in {few}: {held} += {few}[n](data, pos)")
                if_ = "elif"
            source.line(f"{if_} {held}: {held} += {values}")
            source.line(f"else: {held} = {values}")  # saves copying a long list into an empty one
        source.line("pos = e")

    def _repeated(self, field: FieldPlan, tag: bytes) -> None:
        """A loop of its own: elements of a list mostly follow each other."""
        source = self.source
        source.line(f"add = {self._list(field)}.append")
        if holds_messages(field) and self.linker.inlines(sub_plan(field)):
            source.line("if depth < 1: raise Unusual")
        with source.block("while True:"):
            source.line("start = pos")
            if holds_messages(field):
                self._list_message(field, tag)
            elif field.enum is not None:
                self.values.emit(field, "v", len(tag))
                members = self._members(field.enum, field.number)
                if field.enum.closed:
                    source.line(f"if v in {members}: add({members}[v])")
                    source.line(f"else: keep_number(m, {encode_tag(field.number, WireType.VARINT)!r}, v)")
                else:
                    source.line(f"add({members}[v])")
            else:
                self.values.emit(field, "add({})", len(tag))
            self._loop_while(tag)
        source.line("if pos >= end: break")

    def _loop_while(self, tag: bytes) -> None:
        source = self.source
        source.line("if pos >= end: break")
        source.line("t = data[pos]")
        source.line(f"if not ({_matches(tag)}): break" if len(tag) > 1 else f"if t != {tag[0]}: break")

    def _list_message(self, field: FieldPlan, tag: bytes) -> None:
        source, sub = self.source, sub_plan(field)
        if field.kind is Kind.GROUP:
            read = self.linker.function(sub, f"read_group_{field.number}")
            source.line(f"x, pos = {read}(data, pos + {len(tag)}, end, None, depth - 1)")
            source.line("add(x)")
            return
        read = self.linker.function(sub, "read")
        if self.linker.inlines(sub):
            emit_leaf_element(source, sub, len(tag) + 1, lambda: self._loop_while(tag))
        emit_length(source, len(tag))
        source.line(f"if n < {SMALL}: add({read}(data[pos:e], 0, n, None, depth - 1))")
        source.line(f"else: add({read}(data, pos, e, None, depth - 1))")
        source.line("pos = e")

    def _map(self, field: FieldPlan, tag: bytes) -> None:
        """Entries of key and value, in this order and with nothing else, are read here; all others are unusual."""
        source = self.source
        key, value = key_and_value(field)
        key_tag, value_tag = encode_tag(1, wire_type(key)), encode_tag(2, wire_type(value))
        source.line(f"d = m.{field.attribute}")
        source.line("if depth < 1: raise Unusual")
        with source.block("while True:"):
            source.line("start = pos")
            emit_length(source, len(tag), stop="stop")
            with source.block(f"if pos < stop and data[pos] == {key_tag[0]}:"):
                self.values.emit(key, "k", 1)
                with source.block(f"if pos < stop and data[pos] == {value_tag[0]}:"):
                    self._map_value(value, field.number)
                    source.line("if pos == stop: d[k] = x")
                    source.line("elif pos > stop: raise Unusual")
                    source.line("else: pos = start")
                source.line("else: pos = start")
            source.line("else: pos = start")
            source.line("if pos == start: pos = unusual(m, PLAN, data, pos, end, depth)")
            self._loop_while(tag)

    def _map_value(self, value: FieldPlan, number: int) -> None:
        source = self.source
        if holds_messages(value):
            emit_length(source, 1)
            read = self.linker.function(sub_plan(value), "read")
            source.line(f"x = {read}(data, pos, e, None, depth - 2); pos = e")
        elif value.enum is not None:
            self.values.emit(value, "x", 1)
            members = self._members(value.enum, number)
            if value.enum.closed:
                source.line(f"if x not in {members}: pos = start")
                source.line(f"else: x = {members}[x]")
            else:
                source.line(f"x = {members}[x]")
        else:
            self.values.emit(value, "x", 1)

    def _run(self, run: list[FieldPlan]) -> None:
        """All fields of a run present and in order: one Struct takes their tags and values."""
        source = self.source
        tags = [encode_tag(field.number, wire_type(field))[0] for field in run]
        layout = struct.Struct("<" + "".join(f"B{FORMATS[field.kind]}" for field in run))
        unpack = source.bind(f"unpack_run_{run[0].number}", layout.unpack_from)
        with source.block(f"if t == {tags[0]} and end - pos >= {layout.size}:"):
            source.line(
                ", ".join(f"t_{field.number}, v_{field.number}" for field in run) + f" = {unpack}(data, pos)"
            )
            expected = (f"t_{field.number} == {tag}" for field, tag in zip(run[1:], tags[1:], strict=True))
            with source.block(f"if {' and '.join(expected)}:"):
                for field in run:
                    source.line(f"m.{field.attribute} = v_{field.number}")
                source.line(f"pos += {layout.size}")
                source.line("if pos >= end: break")
                source.line("t = data[pos]")


def _matches(tag: bytes) -> str:
    """The condition that the tag at `pos`, whose first byte is `t`, is `tag`."""
    if len(tag) == 1:
        return f"t == {tag[0]}"
    if len(tag) == 2:
        return f"t == {tag[0]} and data[pos + 1] == {tag[1]}"
    return f"t == {tag[0]} and data[pos + 1:pos + {len(tag)}] == {tag[1:]!r}"


def emit_decode(source: Source, plan: MessagePlan, linker: Linker) -> None:
    """`decode(data)`, which takes the place of `Message.decode`."""
    source.bind("as_bytes", helpers.as_bytes)
    source.bind("FAULTS", helpers.FAULTS)
    source.bind("reached", recover.reached)
    source.bind("recover", recover.decode)
    source.bind("PLAN", plan)
    with source.block("def decode(data):"):
        source.line("if data.__class__ is not bytes: data = as_bytes(data)")
        with source.block("try:"):
            if linker.inlines(plan):
                emit_leaf_decoder(source, plan)
            source.line(f"return {linker.function(plan, 'read')}(data, 0, len(data), None, {MAX_NESTING})")
        source.line("except FAULTS as fault: path = reached(fault, data)")
        # Not inside `except`: the error that the interpreter raises is the first that its reader should see.
        source.line("return recover(PLAN, data, path)")
