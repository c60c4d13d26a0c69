"""Values of a fixed width: four or eight bytes, least significant byte first.

Spec: https://protobuf.dev/programming-guides/encoding, "More Integer Types" and "Non-varint Numbers".
"""

from __future__ import annotations

import math
from struct import Struct

from .plan import Kind

# struct's letter of every fixed-width kind, for single values, runs of fields and packed arrays alike.
FORMATS = {
    Kind.DOUBLE: "d",
    Kind.FLOAT: "f",
    Kind.FIXED64: "Q",
    Kind.FIXED32: "I",
    Kind.SFIXED64: "q",
    Kind.SFIXED32: "i",
}
STRUCTS = {kind: Struct("<" + letter) for kind, letter in FORMATS.items()}


def pack_float(value: float) -> bytes:
    """The four bytes of a float. What is too large for one becomes infinite, as in a conversion in C."""
    try:
        return STRUCTS[Kind.FLOAT].pack(value)
    except OverflowError:
        return STRUCTS[Kind.FLOAT].pack(math.copysign(math.inf, value))
