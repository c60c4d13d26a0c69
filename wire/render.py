"""A tree of spans → text, one line per field:

    offset  tag  len  value        field    name     type               content
    0000    0a   09                1 LEN    books    repeated lib.Book  9 bytes
    0002    0a   01   31             1 LEN    id     string             "1"
    0005    12   04   44 75 6e 65    2 LEN    title  string             "Dune"

Offset and bytes as they are on the wire, split into tag, length and value; then what they say: field number and wire
type (which is what a tag holds), name and type where they are known, and the value. Fields of a message stand under it,
further in. What was guessed has a question mark. What is wrong stands in its place behind a `✗`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from .names import FieldName, Names
from .plan import Kind
from .scan import Fault, Node, Shape, Span, scan
from .tag import WireType

_HEX_BYTES = 8  # bytes of a value that are shown
_TEXT_WIDTH = 60  # characters of a value that are shown
_HEADINGS = ("offset", "tag", "len", "value", "field", "name", "type", "content")
# ANSI colours of the columns, and of faults.
_COLOURS = ("2", "33", "36", "", "", "1", "35", "32")
_FAULT_COLOUR = "31"


@dataclass(frozen=True, slots=True)
class _Line:
    """The cells of one line; the last cell is as wide as it likes."""

    cells: tuple[str, ...]
    faulty: bool = False


def render(
    data: bytes | bytearray | memoryview,
    names: Names | None = None,
    *,
    base: int = 0,
    headings: bool = True,
    max_lines: int | None = None,
    colour: bool = False,
) -> str:
    """Print bytes taken apart, one line per field.

    `base` is added to the offsets (the bytes may stand inside others); `max_lines` bounds the output; `colour` adds
    ANSI sequences. Nothing of what the bytes hold can control a terminal: control characters are escaped.
    """
    data = bytes(memoryview(data))
    return render_nodes(
        data, scan(data, names), base=base, headings=headings, max_lines=max_lines, colour=colour
    )


def render_nodes(
    data: bytes,
    nodes: tuple[Node, ...],
    *,
    base: int = 0,
    headings: bool = True,
    max_lines: int | None = None,
    colour: bool = False,
) -> str:
    """The same for nodes that `scan` has made from `data`."""
    lines: list[_Line] = []
    for node in nodes:
        _add(lines, data, node, 0, base)
    if not lines:
        return "(no bytes: every field is absent)"
    left_out = 0
    if max_lines is not None and len(lines) > max_lines:
        left_out = len(lines) - max_lines
        del lines[max_lines:]
    table = [_Line(_HEADINGS), *lines] if headings else lines
    # A column that stays empty (no type is known, no value has a length) is left out.
    kept = [column for column in range(len(_HEADINGS)) if any(line.cells[column] for line in lines)]
    widths = {column: max(len(line.cells[column]) for line in table) for column in kept}
    printed = [_format(line, kept, widths, colour) for line in table]
    if left_out:
        printed.append(f"… {left_out} more lines")
    return "\n".join(printed)


def _format(line: _Line, kept: list[int], widths: dict[int, int], colour: bool) -> str:
    cells: list[str] = []
    for column in kept:
        cell = line.cells[column]
        padding = " " * (widths[column] - len(cell)) if column != kept[-1] else ""
        code = _FAULT_COLOUR if line.faulty else _COLOURS[column]
        if colour and code and cell and line.cells is not _HEADINGS:
            cell = f"\x1b[{code}m{cell}\x1b[0m"
        cells.append(cell + padding)
    return "  ".join(cells).rstrip()


def _add(lines: list[_Line], data: bytes, node: Node, level: int, base: int) -> None:
    indent = "  " * level
    if isinstance(node, Fault):
        raw = _hex(data[node.start : node.end])
        lines.append(_Line((_offset(node.start, base), "", "", raw, indent + "✗", "", "", node.reason), True))
        return
    shows_value = node.shape not in (Shape.MESSAGE, Shape.GROUP)
    lines.append(
        _Line(
            (
                _offset(node.start, base),
                data[node.start : node.tag_end].hex(" "),
                data[node.tag_end : node.value_start].hex(" "),
                _hex(data[node.value_start : node.value_end]) if shows_value else "",
                f"{indent}{node.number} {node.wire_type.name}",
                indent + escape(node.name.name) if node.name is not None else "",
                _type(node),
                _content(node) + (f"  ✗ {node.note}" if node.note else ""),
            ),
            bool(node.note),
        )
    )
    for child in node.children:
        _add(lines, data, child, level + 1, base)
    if node.shape is Shape.GROUP and node.end > node.value_end:
        end_tag = data[node.value_end : node.end].hex(" ")
        label = f"{indent}{node.number} EGROUP"
        lines.append(_Line((_offset(node.value_end, base), end_tag, "", "", label, "", "", "end of group")))


def _offset(offset: int, base: int) -> str:
    return f"{offset + base:04x}"


def _hex(payload: bytes) -> str:
    shown = payload[:_HEX_BYTES].hex(" ")
    return shown if len(payload) <= _HEX_BYTES else f"{shown} …"


def _type(span: Span) -> str:
    if span.name is not None:
        return escape(span.name.type)
    return f"{span.shape.value}?" if span.guessed else ""


def _content(span: Span) -> str:
    size = span.value_end - span.value_start
    if span.shape is Shape.MESSAGE:
        return _count(size, "byte") if size else "empty"
    if span.shape is Shape.GROUP:
        return "group"
    if span.shape is Shape.TEXT:
        return _shorten(f'"{escape(span.value)}"', size)
    if span.shape is Shape.BYTES:
        return _shorten(_bytes(span.value), size) if size else "empty"
    if span.shape is Shape.PACKED:
        return _list(span)
    if span.name is not None and not span.note:
        return _number(span.name, span.value)
    return _nameless_number(span)


def _list(span: Span) -> str:
    texts = [
        _number(span.name, value) if span.name else str(value) for value in span.value[: _TEXT_WIDTH // 2]
    ]
    shown: list[str] = []
    for text in texts:
        if sum(map(len, shown)) + 2 * len(shown) + len(text) > _TEXT_WIDTH:
            break
        shown.append(text)
    more = len(span.value) - len(shown)
    listed = ", ".join(shown + ([f"… {more} more"] if more else []))
    return f"[{listed}]  {_count(len(span.value), 'element')}"


def _number(name: FieldName, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value, name.kind is Kind.FLOAT)
    member = name.member(value) if name.member is not None else None
    if member is not None:
        return f"{escape(member)} ({value})"
    return f"{value} (no name)" if name.member is not None else str(value)


def _nameless_number(span: Span) -> str:
    """Without a type, the readings that are likely: a signed one, or a floating one."""
    value = span.value
    if span.wire_type is WireType.VARINT:
        return f"{value} (signed: {value - (1 << 64)})" if value >> 63 else str(value)
    single = span.wire_type is WireType.I32
    floating = struct.unpack("<f" if single else "<d", value.to_bytes(4 if single else 8, "little"))[0]
    likely = math.isfinite(floating) and (floating == 0 or 1e-9 < abs(floating) < 1e15)
    if value and likely:
        return f"{value} ({'float' if single else 'double'}: {_float(floating, single)})"
    signed = value - (1 << (32 if single else 64))
    return f"{value} (signed: {signed})" if value >> (31 if single else 63) else str(value)


def _float(value: float, single: bool) -> str:
    """The shortest digits that give the value back; of a float, those that do so in four bytes."""
    if not single or not math.isfinite(value):
        return repr(value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        try:
            if struct.unpack("<f", struct.pack("<f", float(text)))[0] == value:
                return repr(float(text))
        except OverflowError:  # rounded up past the largest float
            continue
    return repr(value)


def _shorten(text: str, size: int) -> str:
    return text if len(text) <= _TEXT_WIDTH else f"{text[: _TEXT_WIDTH - 1]}…  {_count(size, 'byte')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def escape(text: str) -> str:
    """Text with everything escaped that is not printable: controls, bidirectional marks, lone surrogates."""
    return "".join(_ESCAPES.get(char) or (char if char.isprintable() else _escaped(char)) for char in text)


_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"  # a byte that was not UTF-8
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _bytes(value: bytes) -> str:
    shown = value[:_TEXT_WIDTH]  # escaped it only gets longer
    return repr(shown)


__all__ = ["escape", "render", "render_nodes"]
