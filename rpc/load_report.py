"""What a server says of its load (ORCA, gRFC A51): one model for what is recorded, sent and received."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache
from typing import Any

from .arguments import Wanted, check, number, optional, text
from .status import Status

LOAD_REPORT_KEY = "endpoint-load-metrics-bin"  # in the trailing metadata of calls

_SHARE = number(0, 1)
_ANY_AMOUNT = Wanted("a finite number from 0 up", number(0, sys.float_info.max).fits)
_NUMBERS = {
    "cpu_utilization": _ANY_AMOUNT,
    "memory_utilization": _SHARE,
    "application_utilization": _ANY_AMOUNT,
    "rps_fractional": _ANY_AMOUNT,
    "eps": _ANY_AMOUNT,
}
_NAMED = {
    "utilization": _SHARE,
    "request_cost": _ANY_AMOUNT,
    "named_metrics": Wanted("a finite number", number(-sys.float_info.max, sys.float_info.max).fits),
}
_METRIC_NAME = text("a text", r"[^\ud800-\udfff]*")  # such halves of characters have no encoding
_FIELD_NAMES = {"memory_utilization": "mem_utilization"}  # where the message has another name


class NamedAmounts(MutableMapping[str, float]):
    """A dict of metrics that an application has named. Raises RpcConfigurationError for values out of their range."""

    __slots__ = ("_name", "_values", "_wanted")

    def __init__(self, name: str, values: Mapping[str, float], wanted: Wanted) -> None:
        self._name = name
        self._wanted = wanted
        self._values: dict[str, float] = {}
        if values:
            self.update(values)

    def __setitem__(self, key: str, value: float) -> None:
        check(f"the name of a metric in {self._name}", key, _METRIC_NAME)
        check(f"{self._name}[{key!r}]", value, self._wanted)
        self._values[key] = value

    def __getitem__(self, key: str) -> float:
        return self._values[key]

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def copy(self) -> dict[str, float]:
        """As they are now; other threads may go on changing them."""
        return self._values.copy()

    def __repr__(self) -> str:
        return repr(self._values)


_set_slot = object.__setattr__  # without the checks


class LoadReport:
    """The load of a server, or what one call of it has cost. What is None, or has no entry, is not reported.

    - `cpu_utilization`, `memory_utilization`: the share of the CPU and of the memory that is in use. 1.0 is all of it;
      a CPU may be used beyond what its owner thinks right.
    - `application_utilization`: what the application finds more telling than its CPU; balancers prefer it.
    - `rps_fractional`, `eps`: requests and errors per second of the whole server.
    - `utilization`: shares of further resources, by name, up to 1.
    - `request_cost`: what one call has cost, by name and in whatever unit. Of calls only.
    - `named_metrics`: anything else.

    Attributes can be set at any time, by any thread; each stays until it is set again. Raises RpcConfigurationError,
    which names the attribute, for a value out of its range.
    """

    cpu_utilization: float | None
    memory_utilization: float | None
    application_utilization: float | None
    rps_fractional: float | None
    eps: float | None
    utilization: MutableMapping[str, float]
    request_cost: MutableMapping[str, float]
    named_metrics: MutableMapping[str, float]

    __slots__ = (*_NUMBERS, *_NAMED)

    def __init__(self, **values: Any) -> None:
        for name in _NUMBERS:
            _set_slot(self, name, None)
        for name, wanted in _NAMED.items():
            _set_slot(self, name, NamedAmounts(name, {}, wanted))
        for name, value in values.items():
            if name not in self.__slots__:
                raise TypeError(f"a LoadReport has no {name}; it has {', '.join(self.__slots__)}")
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _NUMBERS:
            check(name, value, optional(_NUMBERS[name]))
        elif name in _NAMED:
            value = NamedAmounts(name, value, _NAMED[name])
        _set_slot(self, name, value)

    def values(self) -> dict[str, Any]:
        """What is reported, by name; a copy."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        named = {name: getattr(self, name).copy() for name in _NAMED}
        return {
            **{name: value for name, value in numbers.items() if value is not None},
            **{name: value for name, value in named.items() if value},
        }

    def over(self, base: LoadReport) -> LoadReport:
        """This report, with what it does not have taken from another one."""
        mine, merged = self.values(), base.values()
        if not mine:
            return base
        for name, value in mine.items():
            merged[name] = {**merged.get(name, {}), **value} if name in _NAMED else value
        return LoadReport(**merged)

    # -- as a message ---------------------------------------------------------------------------------------------

    def to_message(self) -> Any:
        """An xds.data.orca.v3.OrcaLoadReport."""
        return _message_class()(
            **{_FIELD_NAMES.get(name, name): each for name, each in self.values().items()}
        )

    def encode(self) -> bytes:
        """The bytes of that message."""
        return self.to_message().encode()

    @classmethod
    def decode(cls, data: bytes) -> LoadReport:
        """From these bytes. Values out of their ranges are left out. Raises wire.DecodeError for no such message."""
        message = _message_class().decode(data)
        report = cls()
        for name, wanted in _NUMBERS.items():
            value = getattr(message, _FIELD_NAMES.get(name, name))
            if value and wanted.fits(value):  # zero is as good as nothing
                _set_slot(report, name, value)
        for name, wanted in _NAMED.items():
            fitting = {key: each for key, each in getattr(message, name).items() if wanted.fits(each)}
            if fitting:
                setattr(report, name, fitting)
        return report

    @classmethod
    def of(cls, status: Status) -> LoadReport | None:
        """The report that came with the end of a call; None without one, or if it cannot be read."""
        data = encoded_report(status)
        try:
            return None if data is None else cls.decode(data)
        except ValueError:
            return None

    # -- as a value -----------------------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        """Whether anything is reported."""
        return bool(self.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoadReport) and self.values() == other.values()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"LoadReport({', '.join(f'{name}={value!r}' for name, value in self.values().items())})"


def encoded_report(status: Status) -> bytes | None:
    """The report that came with the end of a call, still encoded."""
    data = status.trailing_metadata.get(LOAD_REPORT_KEY) if status.trailing_metadata else None
    return data if isinstance(data, bytes) else None


@cache
def _message_class() -> Any:
    from .services.bundled import bundled  # compiled by those who report load, or listen to it

    return bundled("xds/data/orca/v3/orca_load_report.proto").OrcaLoadReport
