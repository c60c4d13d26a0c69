"""`.proto` text → descriptors → message classes, with JSON and text format.

    books = schema.load("bookstore.proto")
    book = books.Book(id="1", title="gRPC Fundamentals")
    book.encode(); book.to_json(); book.to_text()

`load`, `loads` and `load_descriptor_set` return a Schema. Whatever is wrong with a `.proto` is raised as one
SchemaError that tells all of it; wrong JSON as a JsonError, wrong text format as a TextError.
"""

from __future__ import annotations

from . import wkt
from .errors import SchemaError
from .json_errors import JsonError
from .load import load, load_descriptor_set, loads
from .loaded import Schema
from .message import Message
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
    "load",
    "load_descriptor_set",
    "loads",
    "wkt",
]
