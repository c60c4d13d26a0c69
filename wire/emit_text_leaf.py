"""Text leaves: messages of a few strings and nothing else, which most services send most of all.

Encoding: ASCII text is its own UTF-8, so the whole message is one f-string and one `.encode()`.
Decoding: guess that all fields are there, in order, with short values; then three comparisons find all the texts.
Both are written into the loop of a parent's repeated field, which saves a call per message. A wrong guess costs a
little and changes nothing: the general code takes over.
"""

from __future__ import annotations

from .access import message_class
from .generated import Source
from .plan import Cardinality, FieldPlan, Kind, MessagePlan
from .tag import WireType, encode_tag
from .write_helpers import tag_table_text

MAX_FIELDS = 6
# A leaf of fewer bytes than this cannot hold a length of two bytes: one such length alone announces 128 more bytes.
MAX_GUESSED = 130


def is_text_leaf(plan: MessagePlan) -> bool:
    return (
        1 <= len(plan.fields) <= MAX_FIELDS and not plan.extensions and all(map(_is_plain_text, plan.fields))
    )


def _is_plain_text(field: FieldPlan) -> bool:
    # Numbers below 16 have one-byte tags, which are ASCII.
    plain = field.kind is Kind.STRING and field.utf8
    return plain and field.cardinality is Cardinality.IMPLICIT and field.number < 16


def emit_leaf_encoder(source: Source, plan: MessagePlan, m: str, result: str, otherwise: str = "") -> None:
    """Try to encode the message in local `m`; `result` is a statement with {} for the bytes.

    `otherwise` is the statement for when it cannot be done; without one, control passes on to the next line.
    """
    source.bind("isascii", str.isascii)
    locals_ = [f"{m}_{field.number}" for field in plan.fields]
    source.line(
        "; ".join(f"{v} = {m}.{field.attribute}" for v, field in zip(locals_, plan.fields, strict=True))
    )
    text = ""
    for v, field in zip(locals_, plan.fields, strict=True):
        tag = encode_tag(field.number, WireType.LEN)
        table = source.bind(f"TEXT_{tag.hex()}", tag_table_text(tag))
        text += f"{{{table}[len({v})]}}{{{v}}}"
    all_ascii = " and ".join(f"isascii({v})" for v in locals_)
    with source.block(f"if {all_ascii} and not {m}._unknown:"):
        encoded = f'f"{text}".encode()'
        source.line(f"try: {result.format(encoded)}")
        source.line(f"except IndexError: {otherwise or 'pass'}  # a text of 128 bytes or more")
    if otherwise:
        source.line(f"else: {otherwise}")


def emit_leaf_decoder(source: Source, plan: MessagePlan, data: str, size: str, done: str) -> None:
    """Try to decode the local `data` of `size` bytes into the local `r`, and then do `done`; else pass on."""
    storage = source.bind(f"New_{plan.full_name.replace('.', '_')}", message_class(plan).__storage__)
    source.bind("new", object.__new__)
    with source.block(f"if {size} < {MAX_GUESSED}:"):
        source.line("try:")
        indent = "    "
        begin, texts = "0", list[tuple[str, str, str]]()
        for field in plan.fields:
            start, stop = f"a_{field.number}", f"b_{field.number}"
            tag = encode_tag(field.number, WireType.LEN)[0]
            source.line(f"{indent}if {data}[{begin}] == {tag}:  # {field.name}")
            indent += "    "
            if begin == "0":
                start = "2"
                source.line(f"{indent}{stop} = {data}[1] + 2")
            else:
                source.line(f"{indent}{start} = {begin} + 2; {stop} = {start} + {data}[{begin} + 1]")
            texts.append((field.attribute, start, stop))
            begin = stop
        source.line(f"{indent}if {begin} == {size}:")
        indent += "    "
        source.line(f"{indent}r = new({storage})")
        for attribute, start, stop in texts:
            source.line(f"{indent}r.{attribute} = {data}[{start}:{stop}].decode()")
        source.line(f"{indent}r._unknown = b''; r._extensions = None")
        source.line(f"{indent}{done}")
        source.line("except IndexError: pass")
