"""The protobuf wire format: bytes ↔ values. Knows no `.proto` and no socket; needs the standard library only."""

from .delimited import decode_delimited, encode_delimited, read_delimited, write_delimited
from .enum import Enum
from .errors import DecodeError, EncodeError, WireError
from .message import Extension, Message, build_class
from .naming import RESERVED_NAMES, attribute_name
from .plan import Cardinality, EnumPlan, FieldPlan, Kind, MessagePlan
from .tag import WireType
from .unknown import UnknownField

__all__ = [
    "RESERVED_NAMES",
    "Cardinality",
    "DecodeError",
    "EncodeError",
    "Enum",
    "EnumPlan",
    "Extension",
    "FieldPlan",
    "Kind",
    "Message",
    "MessagePlan",
    "UnknownField",
    "WireError",
    "WireType",
    "attribute_name",
    "build_class",
    "decode_delimited",
    "encode_delimited",
    "read_delimited",
    "write_delimited",
]
