"""What is printed, in the form that grpcurl gives it. Nothing that a peer sent can control the terminal."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any

from ..rpc import Metadata, RpcError, StatusCode
from ..schema import JsonError, Registry

# Control characters that JSON leaves as they are.
_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def json_text(message: Any, registry: Registry | None, *, emit_defaults: bool = False) -> str:
    """A message as indented JSON. Raises JsonError."""
    text = message.to_json(indent=2, always_print_fields_with_no_presence=emit_defaults, registry=registry)
    return _CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def printable(text: str) -> str:
    """Text with all control characters escaped but line breaks and tabs."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def code_name(code: StatusCode) -> str:
    """NOT_FOUND as NotFound. Go spells CANCELLED with one L."""
    return (
        "Canceled" if code is StatusCode.CANCELLED else code.name.title().replace("_", "").replace("Ok", "OK")
    )


def error_text(error: RpcError, details: Sequence[str] | None = None) -> str:
    """A failed call: code, message, and the details as JSON."""
    lines = ["ERROR:", f"  Code: {code_name(error.code)}", f"  Message: {printable(error.message)}"]
    if details is None:
        details = [_detail(detail) for detail in error.details]
    if details:
        lines.append("  Details:")
        lines += [f"  {n})\t" + detail.replace("\n", "\n    \t") for n, detail in enumerate(details, 1)]
    return "\n".join(lines) + "\n"


def undecoded(detail: Any, reason: Exception) -> str:
    """An error detail (a google.protobuf.Any) whose type is not known, in base64."""
    members = {
        "@type": detail.type_url,
        "@error": str(reason),
        "@value": base64.b64encode(detail.value).decode(),
    }
    return json.dumps(members, indent=2)


def _detail(detail: Any) -> str:
    try:
        return json_text(detail, None)
    except JsonError as error:
        return undecoded(detail, error)


def metadata_text(metadata: Metadata) -> str:
    """`key: value` lines in the order of keys; binary values in base64."""
    lines = [
        f"{key}: {base64.b64encode(value).decode() if isinstance(value, bytes) else printable(value)}"
        for key, value in sorted(metadata, key=lambda pair: pair[0])
    ]
    return "\n".join(lines) or "(empty)"


def counted(number: int, noun: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
