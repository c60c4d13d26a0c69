"""Generated Python: gathered line by line, compiled once, and shown by tracebacks and debuggers like any other source."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_serial = itertools.count()  # two plans may have one name, and each needs a file name of its own


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
    def block(self, head: str = "") -> Iterator[None]:
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
        """Make `value` a global of the function; the name, so that it can be used where it is written."""
        self.namespace[name] = value
        return name

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def compile(self, name: str) -> Callable[..., Any]:
        """Compile the source and hand out the function called `name`."""
        filename = f"<barewire {self.title} #{next(_serial)}>"
        text = self.text
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        exec(compile(text, filename, "exec"), self.namespace)
        return self.namespace[name]
