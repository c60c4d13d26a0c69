"""The schema of the bookstore, loaded once for the server, the client and the demo."""

from __future__ import annotations

from pathlib import Path

from barewire import schema

books = schema.load(Path(__file__).with_name("bookstore.proto"))
