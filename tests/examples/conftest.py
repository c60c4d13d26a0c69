from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.support.protos import BOOKSTORE


@pytest.fixture
def bookstore(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example's server module, imported as it is when its folder is where Python starts."""
    names = ("bookstore", "interceptors", "store", "server", "client")
    monkeypatch.syspath_prepend(str(BOOKSTORE.parent))
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    yield importlib.import_module("server")
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(before)
