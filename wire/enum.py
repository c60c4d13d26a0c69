"""Enums: open sets of named 32-bit integers."""

from __future__ import annotations

import enum
from typing import Any

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1


class Enum(enum.IntEnum):
    """Base of all enum classes.

    An int32 that has no name is a valid value: `Genre(99)` makes a member called "99". Such members are not kept, so
    two of them are equal but not identical.
    """

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if not isinstance(value, int) or not INT32_MIN <= value <= INT32_MAX:
            return None
        member = int.__new__(cls, value)
        member._name_ = str(int(value))
        member._value_ = int(value)
        return member

    @property
    def is_known(self) -> bool:
        """Whether the number has a name in the schema."""
        return self._value_ in type(self)._value2member_map_

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}.{self._name_}"
            if self._value_ in type(self)._value2member_map_
            else f"{type(self).__name__}({self._name_})"
        )
