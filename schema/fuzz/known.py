"""The differences that are known, with the reason and with who is right: data.

Most are recognised by a *rewrite*: when the input without its peculiarity shows no difference, that peculiarity is
what the difference is about. The others are recognised by what both sides say. docs/reference/differences.md holds what
`table()` prints, and a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import rewrite
from .compare import Difference
from .parts import Part

Rewrite = Callable[[list[Part]], None]


@dataclass(frozen=True, slots=True)
class Known:
    """One known difference: with whom, who is `right` by the specification ("all" where it leaves the choice), `what`
    they do (unless it says otherwise), and the reason. Exactly one of `rewrite` and `matches` recognises it."""

    name: str
    peers: tuple[str, ...]
    right: str
    what: str
    reason: str
    rewrite: Rewrite | None = None
    matches: Callable[[Difference], bool] | None = None


def _refusal(difference: Difference) -> str:
    """Why we alone refuse the bytes, or those of an Any inside that is to become JSON; empty otherwise."""
    if difference.kind == "accept":
        return difference.ours.error
    inside_any = difference.kind == "json print" and "the Any does not hold" in difference.ours.json_error
    return difference.ours.json_error if inside_any else ""


def _field_zero(difference: Difference) -> bool:
    return ": field number 0 (at byte" in _refusal(difference)


def _wide_tag(difference: Difference) -> bool:
    return ": tag does not fit 32 bits (at byte" in _refusal(difference)


def _depth(difference: Difference) -> bool:
    return ": nested deeper than 100 levels (at byte" in _refusal(difference)


def _open_group(difference: Difference) -> bool:
    wrong_end = r": group \d+ is not ended|: end of group \d+ inside another group"
    return re.search(wrong_end, _refusal(difference)) is not None


def _oneof_crash(difference: Difference) -> bool:
    return difference.kind == "accept" and difference.theirs.error.startswith(
        "KeyError: <google.protobuf.descriptor.Field"
    )


def _float_limit(difference: Difference) -> bool:
    error = difference.theirs.parse_error
    return difference.kind == "json read" and (
        "Float value too large" in error or "Float value too small" in error
    )


def _foreign_path(difference: Difference) -> bool:
    ours, theirs = difference.ours.json_error, difference.theirs.json_error
    if difference.kind != "json print":
        return False
    return "must not contain uppercase letters" in theirs or (
        "would not survive" in ours and not ours.isascii()
    )


def _empty_value(difference: Difference) -> bool:
    error = difference.ours.json_error
    return difference.kind == "json print" and error.endswith(
        "a google.protobuf.Value must have one of its kinds set"
    )


def _any_without_required(difference: Difference) -> bool:
    return difference.kind == "json print" and ": required field is missing (at byte" in _refusal(difference)


def _any_utf8(difference: Difference) -> bool:
    return difference.kind == "json print" and "codec can't decode" in difference.theirs.json_error


def _null_in_list(difference: Difference) -> bool:
    return (
        difference.kind == "json read"
        and "null is not allowed to be used as an element" in difference.theirs.parse_error
    )


def _not_unicode(difference: Difference) -> bool:
    return difference.kind == "json print" and "is not valid Unicode" in difference.ours.json_error


_ENUMS = "https://protobuf.dev/programming-guides/enum"
_JSON = "https://protobuf.dev/programming-guides/json"
GOOGLE = ("upb", "python")

# Rewrites are tried in this order, each on top of those before.
KNOWN: tuple[Known, ...] = (
    Known(
        "nan-bits", GOOGLE, "all",
        "The bits of a NaN: upb keeps them, barewire makes a signalling float32 quiet, pure Python writes one"
        " NaN for all.",
        "The specification knows one NaN and no payloads. A Python float cannot hold a signalling float32.",
        rewrite=rewrite.plain_nans,
    ),
    Known(
        "empty-extension-list", ("upb",), "barewire",
        "A packed extension without any element counts as set.",
        "A repeated field without elements is not there.",
        rewrite=rewrite.no_empty_extension_lists,
    ),
    Known(
        "long-tags", ("python",), "barewire",
        "A tag in more bytes than it needs (up to five) makes the field unknown.",
        "A tag is a varint, and varints may be longer than they need be. upb and C++ read them.",
        rewrite=rewrite.shortest_tags,
    ),
    Known(
        "long-lengths", ("python",), "all",
        "A length in six to ten bytes is accepted.",
        "The specification does not say. A length fits five bytes; upb and C++ refuse longer ones, as "
        "barewire does.",
        rewrite=rewrite.shortest_lengths,
    ),
    Known(
        "map-entry-strangers", (*GOOGLE, "protoc"), "all",
        "Map entries that hold more than one key and one value. With unknown fields inside, upb and barewire "
        "keep the whole entry as an unknown field (upb writes it anew, barewire as it came); C++ and pure Python "
        "take key and value and drop the rest.",
        "The specification has no word on such entries.",
        rewrite=rewrite.plain_entries,
    ),
    Known(
        "closed-enum-varints", GOOGLE, "all",
        "A number that a closed enum does not know becomes an unknown field: as the shortest varint in "
        "barewire, as it came "
        "elsewhere.",
        f"The number is the same; its bytes are not specified. {_ENUMS}",
        rewrite=rewrite.shortest_enums,
    ),
    Known(
        "closed-enum-map-values", ("python",), "barewire",
        "A map entry whose value a closed enum does not know is stored, with the enum's first value.",
        f"The whole entry goes to the unknown fields: {_ENUMS}",
        rewrite=rewrite.known_entries,
    ),
    Known(
        "closed-enum-in-oneof", ("python",), "barewire",
        "A oneof member that its closed enum does not know clears the member that came before.",
        f"The number is an unknown field, not a member: {_ENUMS}",
        rewrite=rewrite.no_unknown_enums_in_oneofs,
    ),
    Known(
        "message-set-items", GOOGLE, "barewire",
        "MessageSet: when a type comes again, upb replaces its message, barewire merges the two. Items with "
        "several type ids "
        "or messages: barewire and upb take the first of each; pure Python refuses items that lack one.",
        "A singular message that comes again is merged. The rest is not specified.",
        rewrite=rewrite.plain_items,
    ),
    Known(
        "proto2-utf8", ("python",), "barewire",
        "A proto2 string that is not UTF-8 is refused.",
        "proto2 does not verify UTF-8 (feature utf8_validation = NONE). upb and C++ let it pass.",
        rewrite=rewrite.plain_text,
    ),
    Known(
        "message-set-depth", ("upb",), "all",
        "Near the limit of 100 levels, an item of a MessageSet counts as one level; in barewire it is two, "
        "group and message.",
        "The limit is a convention.",
        rewrite=rewrite.no_message_sets,
    ),
    Known(
        "field-zero-skipped", GOOGLE, "barewire",
        "Field number 0 inside what is skipped (an unknown group) is accepted.",
        "Field numbers begin at 1; both refuse 0 everywhere else.",
        matches=_field_zero,
    ),
    Known(
        "wide-tags", ("python",), "barewire",
        "Tags of more than 32 bits or more than five bytes are accepted.",
        "A tag holds 29 bits of field number and 3 of wire type.",
        matches=_wide_tag,
    ),
    Known(
        "depth-of-skipped-groups", ("python",), "all",
        "Unknown groups inside each other are counted by themselves, not on top of the messages around them.",
        "The limit of 100 levels is a convention.",
        matches=_depth,
    ),
    Known(
        "open-groups", ("python",), "barewire",
        "Unknown groups inside each other are accepted when the outer one is not ended, and a group when the bytes "
        "of its end tag are the last ones of another group's longer end tag.",
        "Each start tag needs its own end tag.",
        matches=_open_group,
    ),
    Known(
        "oneof-scalar-then-message", ("python",), "barewire",
        "A message as a member of a oneof, behind another member: KeyError.",
        "The last member on the wire wins.",
        matches=_oneof_crash,
    ),
    Known(
        "json-largest-float", GOOGLE, "barewire",
        "JSON: the largest float32 is printed, but not read back.",
        "3.4028235e+38 is the shortest text of the largest float32, and rounds to it.",
        matches=_float_limit,
    ),
    Known(
        "json-empty-value", GOOGLE, "barewire",
        "JSON: a google.protobuf.Value without any kind is printed as null; an error in barewire.",
        "struct.proto: the absence of any variant indicates an error.",
        matches=_empty_value,
    ),
    Known(
        "json-any-without-required", GOOGLE, "barewire",
        "JSON: an Any whose message lacks a required field is printed; an error in barewire.",
        "Its bytes are not a message of that type.",
        matches=_any_without_required,
    ),
    Known(
        "json-any-utf8", ("python",), "barewire",
        "JSON: an Any of a message with a proto2 string that is not UTF-8, which a later one replaces, is refused.",
        "proto2 does not verify UTF-8.",
        matches=_any_utf8,
    ),
    Known(
        "json-null-in-list", GOOGLE, "barewire",
        "JSON: a list of NullValue is printed as [null], but not read back.",
        f"null is the JSON of a NullValue: {_JSON}",
        matches=_null_in_list,
    ),
    Known(
        "json-field-mask-letters", GOOGLE, "all",
        "JSON: FieldMask paths with letters outside ASCII are printed or refused by other rules of upper "
        "and lower case.",
        "Paths are made of field names, which are ASCII: no such path is valid.",
        matches=_foreign_path,
    ),
    Known(
        "json-not-unicode", GOOGLE, "barewire",
        "JSON: a proto2 string that is not UTF-8 is printed as something else; an error in barewire.",
        f"JSON text is Unicode: {_JSON}",
        matches=_not_unicode,
    ),
)  # fmt: skip


def table() -> str:
    """The table as Markdown, for the docs."""
    rows = ["| name | against | right | what is different | why |", "|---|---|---|---|---|"]
    for known in KNOWN:
        rows.append(
            f"| `{known.name}` | {', '.join(known.peers)} | {known.right} | {known.what} | {known.reason} |"
        )
    return "\n".join(rows) + "\n"
