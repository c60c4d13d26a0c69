"""`.proto` text → descriptors → message classes, with JSON and text format.

    books = schema.load("bookstore.proto")
    book = books.Book(id="1", title="gRPC Fundamentals")
    book.encode(); book.to_json(); book.to_text()

`load`, `loads`, `load_descriptor_set`, `load_descriptors` (google.protobuf's) and `from_reflection` (a running
server's) return a Schema. Whatever is wrong with a `.proto` is raised as one
SchemaError that tells all of it; wrong JSON as a JsonError, wrong text format as a TextError.
"""

from __future__ import annotations

from . import wkt
from .errors import SchemaError
from .foreign import load_descriptors
from .json_errors import JsonError
from .load import load, load_descriptor_set, loads
from .loaded import Schema
from .message import Message
from .reflection import from_reflection
from .registry import Registry
from .service import MethodSpec, Servicer, ServiceSpec, Stub
from .text_errors import TextError

__all__ = [
    "JsonError",
    "Message",
    "MethodSpec",
    "Registry",
    "Schema",
    "SchemaError",
    "ServiceSpec",
    "Servicer",
    "Stub",
    "TextError",
    "from_reflection",
    "load",
    "load_descriptor_set",
    "load_descriptors",
    "loads",
    "wkt",
]
