"""The protobuf wire format: bytes ↔ values. Knows no `.proto` and no socket; needs the standard library only."""

from .delimited import decode_delimited, encode_delimited, read_delimited, write_delimited
from .enum import Enum
from .errors import DecodeError, EncodeError, WireError
from .message import Extension, Message, build_class
from .names import FieldName, Names, names_from_plan
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
    "FieldName",
    "FieldPlan",
    "Kind",
    "Message",
    "MessagePlan",
    "Names",
    "UnknownField",
    "WireError",
    "WireType",
    "attribute_name",
    "build_class",
    "decode_delimited",
    "encode_delimited",
    "names_from_plan",
    "read_delimited",
    "write_delimited",
]
