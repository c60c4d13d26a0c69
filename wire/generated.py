"""Generated Python: gathered line by line, compiled once, shown by tracebacks and debuggers like any source."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .plan import MessagePlan

_serial = itertools.count()  # two plans may have one name, and each needs a file name of its own


class Linker(Protocol):
    """How the function of one message gets at those of others, which may not be compiled yet."""

    def function(self, plan: MessagePlan, kind: str) -> str:
        """The name under which generated code calls a function of `plan`."""
        ...

    def inlines(self, plan: MessagePlan) -> bool:
        """Whether the code of `plan` may be written into its caller; the caller will be recompiled with it."""
        ...


class Source:
    """The source of one function under construction, and the namespace that it will see."""

    def __init__(self, title: str, namespace: dict[str, Any] | None = None) -> None:
        self.title = title
        self.namespace = {} if namespace is None else namespace
        self._lines: list[str] = []
        self._indent = ""

    def line(self, text: str) -> None:
        self._lines.append(self._indent + text)

    def lines(self, *texts: str) -> None:
        for text in texts:
            self.line(text)

    @contextmanager
    def block(self, head: str = "") -> Generator[None]:
        """Write `head` (if any), and what follows one level deeper."""
        if head:
            self.line(head)
        outer = self._indent
        self._indent += "    "
        try:
            yield
        finally:
            self._indent = outer

    def bind(self, name: str, value: Any) -> str:
        """Make `value` a global of the function. Returns its name, which gets a tail if it means something else."""
        while name in self.namespace and self.namespace[name] is not value:
            name += "_"
        self.namespace[name] = value
        return name

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def compile(self, name: str) -> Callable[..., Any]:
        """Compile the source and hand out the function called `name`."""
        import linecache  # with tokenize: most programs that load a schema compile nothing of it at once

        filename = f"<barewire {self.title} #{next(_serial)}>"
        text = self.text
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        exec(compile(text, filename, "exec"), self.namespace)
        return self.namespace[name]
