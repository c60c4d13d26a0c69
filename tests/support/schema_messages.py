"""Random messages of loaded classes, for comparing the text formats with Google's: the well-known types get values that
JSON can express."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from barewire.schema import strategies


def messages(message_class: Any, depth: int = 3) -> st.SearchStrategy[Any]:
    """Messages of a class, with about every third field set."""
    return strategies.messages(message_class, max_depth=depth, json=True)
