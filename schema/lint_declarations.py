"""Rules about what is declared: enums, fields, methods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from . import ast
from .descriptor import MessageDescriptor, MethodDescriptor
from .lint_model import Problem, Rule
from .lint_names import upper_snake
from .unit import Place, Unit


def _zero_value(unit: Unit) -> Iterator[Problem]:
    for enum, node in unit.enums:
        if not enum.values:
            continue
        first, at = enum.values[0], node.values[0]
        wanted = f"{upper_snake(enum.name)}_UNSPECIFIED"
        if first.number != 0:
            message = f"the first value of enum '{enum.name}' is not zero"
            yield Problem(message, f"start with {wanted} = 0", at.name)
        elif not first.name.endswith("_UNSPECIFIED"):
            message = f"the zero value '{first.name}' has a meaning, or a name that suggests one"
            yield Problem(message, f"call it {wanted}, and let it stand for 'not set'", at.name)


def _value_prefix(unit: Unit) -> Iterator[Problem]:
    for value, node in unit.values:
        prefix = upper_snake(value.enum.name) + "_"
        if not value.name.startswith(prefix):
            message = f"enum value '{value.name}' does not start with '{prefix}'"
            yield Problem(message, f"call it {prefix}{upper_snake(value.name)}", node.name)


def _alias(unit: Unit) -> Iterator[Problem]:
    for enum, node in unit.enums:
        first: dict[int, str] = {}
        for value, at in zip(enum.values, node.values, strict=True):
            other = first.setdefault(value.number, value.name)
            if other != value.name:
                message = f"'{value.name}' is another name for '{other}'"
                yield Problem(message, "keep one; an alias is for the time of renaming", at.name)


def _required(unit: Unit) -> Iterator[Problem]:
    for field, node in unit.fields:
        at = (node.label if node.label and node.label.text == "required" else None) or _legacy_required(node)
        if at is not None:
            help = "make it optional, and check for it in the application"
            yield Problem(f"field '{field.name}' is required", help, at)


def _legacy_required(node: ast.Field) -> Place | None:
    return next(
        (
            option
            for option in node.options
            if option.simple_name == "features.field_presence"
            and isinstance(option.value, ast.Scalar)
            and option.value.value == "LEGACY_REQUIRED"
        ),
        None,
    )


def _group(unit: Unit) -> Iterator[Problem]:
    for _, node in unit.fields:
        if node.group is not None:
            message = f"'{node.group.name.text}' is a group"
            yield Problem(message, "declare a message, and a field of it under a new number", node.group.name)


def _shared_types(unit: Unit) -> Iterator[Problem]:
    uses: dict[MessageDescriptor, list[tuple[MethodDescriptor, ast.Name]]] = defaultdict(list)
    for method, node in unit.methods:
        uses[method.input_type].append((method, node.input_type))
        uses[method.output_type].append((method, node.output_type))
    for message, places in uses.items():
        first = places[0][0]
        for method, at in places[1:]:
            own = f"{method.name}{'Request' if at.start < _output_start(unit, method) else 'Response'}"
            text = f"'{message.full_name}' is used by {first.name}, and here again"
            yield Problem(text, f"declare {own} for it", at)


def _output_start(unit: Unit, method: MethodDescriptor) -> int:
    return next(node.output_type.start for found, node in unit.methods if found is method)


def _undocumented(unit: Unit) -> Iterator[Problem]:
    named = [
        *((d, n, "message") for d, n in unit.messages if not n.is_map_entry and not n.is_group),
        *((d, n, "enum") for d, n in unit.enums),
        *((d, n, "service") for d, n in unit.services),
        *((d, n, "method") for d, n in unit.methods),
    ]
    for descriptor, node, what in named:
        above = unit.source.text[: node.start].rstrip(" \t")
        if not above.endswith("\n"):
            continue  # something stands before it on its line
        if not _ends_with_comment(above[:-1]):
            help = "say in a comment above it what it is for"
            yield Problem(f"{what} '{descriptor.full_name}' has no comment", help, node.name)


def _ends_with_comment(text: str) -> bool:
    line = text[text.rfind("\n") + 1 :].strip()
    return line.startswith("//") or line.endswith("*/")


DECLARATION_RULES = (
    Rule(
        "enum-zero",
        True,
        "A field that nobody set reads as zero, so zero must not claim anything.",
        _zero_value,
    ),
    Rule(
        "enum-value-prefix",
        True,
        "Values are names in the scope around their enum, where two enums would clash.",
        _value_prefix,
    ),
    Rule(
        "enum-alias",
        True,
        "Programs that read JSON or logs must know both names, and which is written is a matter of order.",
        _alias,
    ),
    Rule(
        "no-required",
        True,
        "A required field can be neither added nor removed without breaking somebody.",
        _required,
    ),
    Rule(
        "no-group",
        True,
        "Groups are deprecated, and some implementations and all editions lack them.",
        _group,
    ),
    Rule(
        "method-types-shared",
        False,
        "What one method needs tomorrow, all that share its messages get.",
        _shared_types,
    ),
    Rule("commented", False, "The schema is where users of an interface look first.", _undocumented),
)
