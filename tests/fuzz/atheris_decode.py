"""Invariant: whatever the bytes, decoding gives a message that encodes to bytes that decode to the same, or DecodeError
with an offset inside the input; the readable codec says the same; JSON raises nothing but JsonError.

Run by libFuzzer, guided by coverage (pip install atheris):

    python tests/fuzz/atheris_decode.py FILE.proto MESSAGE [INCLUDE_DIR] -- [libFuzzer options] [corpus folder]
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from barewire import schema
from barewire.schema import JsonError
from barewire.wire import DecodeError, interpret


def check(message_class: Any, data: bytes) -> None:
    """Raise AssertionError where the invariant does not hold."""
    plan = message_class.__plan__
    try:
        message = message_class.decode(data)
    except DecodeError as error:
        assert 0 <= error.offset <= len(data), error
        try:
            interpret.decode(plan, data)
        except DecodeError as same:
            assert str(same) == str(error)
        else:
            raise AssertionError(f"the readable codec takes what the fast one refuses: {error}")
        return
    encoded = message.encode()
    assert interpret.encode(interpret.decode(plan, data)) == encoded
    assert message_class.decode(encoded).encode() == encoded
    try:
        text = message.to_json()
        message_class.from_json(text)
    except JsonError:
        pass


def main(arguments: list[str]) -> None:
    atheris = importlib.import_module("atheris")
    split = arguments.index("--") if "--" in arguments else len(arguments)
    path, name, *include = arguments[:split]
    message_class = schema.load(path, include=include)[name]
    message_class.decode(b"")  # so that the code of the codec exists

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *arguments[split + 1 :]], lambda data: check(message_class, bytes(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
