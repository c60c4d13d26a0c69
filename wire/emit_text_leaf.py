"""Text leaves: messages of a few strings and nothing else, which most services send most of all.

Encoding: ASCII text is its own UTF-8, so the whole message is one f-string and one `.encode()`.
Decoding: guess that all fields are there, in order, with short values; then three comparisons find all the texts.
Both are written into the loop of a parent's repeated field, which saves a call per message. A wrong guess costs a
little and changes nothing: the general code takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

from .access import maker
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


def emit_leaf_decoder(source: Source, plan: MessagePlan) -> None:
    """Return the message in `data`, if the guess is right; else pass on."""
    source.line("n = len(data)")
    with source.block(f"if n < {MAX_GUESSED}:"), _guess(source, plan, "data", 0, "n"):
        source.line("return r")


def emit_leaf_element(source: Source, plan: MessagePlan, head: int, next_element: Callable[[], None]) -> None:
    """Add the message whose tag and length, `head` bytes, begin at `pos`, to a list, if the guess is right.

    `next_element` writes what comes after that, once `pos` is behind the message; `add` appends to the list. A slice
    for each message keeps the positions in it small integers, which CPython has ready.
    """
    source.line(f"n = data[pos + {head - 1}]")
    with source.block("if n < 128:"):
        source.line(f"n += {head}; e = pos + n; q = data[pos:e]")
        with _guess(source, plan, "q", head, "n"):
            source.line("add(r); pos = e")
            next_element()
            source.line("continue")


@contextmanager
def _guess(source: Source, plan: MessagePlan, data: str, begin: int, end: str) -> Generator[None]:
    """What is written in this block is done if the message in data[begin:end] was guessed right; it is the local `r`.

    The last text takes what is left, so a slice cut short is not noticed here, but by the position behind it.
    """
    new = source.bind(f"new_{plan.full_name.replace('.', '_')}", maker(plan))
    source.line("try:")
    with ExitStack() as blocks:
        blocks.enter_context(source.block())
        here, texts = str(begin), list[str]()
        for field in plan.fields:
            tag = encode_tag(field.number, WireType.LEN)[0]
            blocks.enter_context(source.block(f"if {data}[{here}] == {tag}:  # {field.name}"))
            a, b = f"a_{field.number}", f"b_{field.number}"
            if not texts:
                a = str(begin + 2)
                length = f"{data}[{begin + 1}]"
            else:
                source.line(f"{a} = {here} + 2")
                length = f"{data}[{here} + 1]"
            if field is plan.fields[-1]:
                blocks.enter_context(source.block(f"if {a} + {length} == {end}:"))
                b = ""
            else:
                source.line(f"{b} = {a} + {length}")
            texts.append(f"r.{field.attribute} = {data}[{a}:{b}].decode()")
            here = b
        source.line(f"r = {new}()")
        source.lines(*texts)
        source.line("r._unknown = b''; r._extensions = None")
        yield
    source.line("except IndexError: pass")
