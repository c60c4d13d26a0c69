"""The schema of the load, for its server and its client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from barewire import schema

load: Any = schema.load(Path(__file__).with_name("load.proto"))
