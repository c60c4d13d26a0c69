"""The fast codec: for every message, functions that do what the interpreter would do for its plan, and nothing else.

They are written as Python source (`emit_encoder`, `emit_decoder`) and compiled when they are first needed, each message
and each direction by itself. Messages call each other's functions; a function that is not compiled yet is represented
by a stub that compiles it.

On any fault the fast functions call the interpreter with the same input, and it raises the precise error, or copes. So
the two agree in their errors by construction, and the tests compare the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from . import interpret, read_helpers
from .access import message_class
from .emit_decoder import DecoderEmitter, emit_decode
from .emit_encoder import EncoderEmitter, emit_encode, emit_encode_deterministic
from .emit_text_leaf import is_text_leaf
from .generated import Source
from .message import Message
from .plan import MessagePlan
from .skip import MAX_NESTING

Function = Callable[..., Any]


class Codec:
    """The compiled functions of one plan. Kinds of functions:

    encode              (message, deterministic) → bytes; falls back to the interpreter
    decode              (data) → message; likewise
    write               (message, depth) → bytes
    write_extensions    (dict by number, depth) → bytes
    encode_deterministic, write_deterministic, write_deterministic_extensions   the same with sorted maps
    read                (data, pos, end, message or None, depth) → message
    read_group_N        the same for group N: → (message, position behind its end tag)
    """

    def __init__(self, plan: MessagePlan) -> None:
        self.plan = plan
        self.encode: Function = self._stub("encode")
        self.decode: Function = self._stub("decode")
        self._functions: dict[str, Function] = {}
        self._sources: dict[str, str] = {}
        # Where a function is called from: namespaces of callers, and the name it has there.
        self._links: dict[str, list[tuple[dict[str, Any], str]]] = {}
        self._inlined_by: set[Codec] = set()

    def function(self, kind: str) -> Function:
        """The function, compiled if need be."""
        if kind not in self._functions:
            function = self._functions[kind] = self._compile(kind)
            if kind in ("encode", "decode"):
                setattr(self, kind, function)
                self._replace_method(kind, function)
            for namespace, name in self._links.get(kind, ()):
                namespace[name] = self._functions[kind]
        return self._functions[kind]

    def source(self, kind: str) -> str:
        self.function(kind)
        return self._sources[kind]

    def link(self, kind: str, namespace: dict[str, Any], name: str) -> None:
        """Make the function callable as `name` in `namespace`, without compiling it now."""
        namespace[name] = self._functions.get(kind) or self._stub(kind)
        self._links.setdefault(kind, []).append((namespace, name))

    def inline_into(self, caller: Codec) -> None:
        self._inlined_by.add(caller)

    def forget(self) -> None:
        """Drop all functions, because the plan has changed; they are compiled anew when they are next called."""
        if not self._functions:
            return
        cls = message_class(self.plan)
        for kind in ("encode", "decode"):
            installed = vars(cls).get(kind)
            if installed is not None and getattr(installed, "__func__", installed) is self._functions.get(
                kind
            ):
                delattr(cls, kind)
            setattr(self, kind, self._stub(kind))
        self._functions.clear()
        for kind, places in self._links.items():
            for namespace, name in places:
                namespace[name] = self._stub(kind)
        for caller in list(self._inlined_by):
            caller.forget()

    def _replace_method(self, kind: str, function: Function) -> None:
        """Put the function in the place of `encode` or `decode` in the message class, unless that has its own."""
        cls = message_class(self.plan)
        if kind == "encode" and cls.encode is Message.encode:
            cls.encode = function
        if kind == "decode" and getattr(cls.decode, "__func__", None) is Message.decode.__func__:
            cls.decode = staticmethod(function)

    def _stub(self, kind: str) -> Function:
        def compile_and_call(*arguments: Any) -> Any:
            return self.function(kind)(*arguments)

        return compile_and_call

    def _compile(self, kind: str) -> Function:
        source = Source(f"{kind} {self.plan.full_name}")
        linker = _Linker(self, source)
        deterministic = "deterministic" in kind
        if kind == "encode":
            emit_encode(source, self.plan, linker)
        elif kind == "encode_deterministic":
            emit_encode_deterministic(source, self.plan, linker)
        elif kind == "decode":
            emit_decode(source, self.plan, linker)
        elif self.plan.message_set:
            self._sources[kind] = f"# {kind}: a MessageSet is left to the interpreter\n"
            return _interpreted(self.plan, kind)
        elif kind.endswith("_extensions"):
            EncoderEmitter(source, self.plan, linker, deterministic).emit_extensions()
        elif kind.startswith("write"):
            EncoderEmitter(source, self.plan, linker, deterministic).emit_message()
        elif kind == "read":
            DecoderEmitter(source, self.plan, linker).emit_message()
        else:
            DecoderEmitter(source, self.plan, linker).emit_message(
                group=int(kind.removeprefix("read_group_"))
            )
        self._sources[kind] = source.text
        return source.compile("read_group" if kind.startswith("read_group") else kind)


class _Linker:
    """Gives a function under construction access to the functions of other messages."""

    def __init__(self, codec: Codec, source: Source) -> None:
        self._codec = codec
        self._source = source
        self._names: dict[tuple[int, str], str] = {}

    def function(self, plan: MessagePlan, kind: str) -> str:
        key = id(plan), kind
        if key not in self._names:
            name = re.sub(r"\W", "_", f"{kind}_{plan.full_name}")
            while name in self._source.namespace:
                name += "_"
            self._names[key] = name
            codec_of(plan).link(kind, self._source.namespace, name)
        return self._names[key]

    def inlines(self, plan: MessagePlan) -> bool:
        if not is_text_leaf(plan):
            return False
        codec_of(plan).inline_into(self._codec)
        return True


def _interpreted(plan: MessagePlan, kind: str) -> Function:
    """The functions of a MessageSet, which nobody needs fast."""
    if kind.startswith("write"):
        return partial(interpret.write_message, deterministic="deterministic" in kind)

    def read(data: bytes, position: int, end: int, message: Message | None, depth: int) -> Any:
        group = int(kind.removeprefix("read_group_")) if kind != "read" else None
        if message is None:
            message = message_class(plan)()
        after = interpret.read_message(message, plan, data, position, min(end, len(data)), depth, group)
        if interpret.missing_required(message) is not None or (group is None and after != end):
            raise read_helpers.Unusual
        return message if group is None else (message, after)

    return read


def codec_of(plan: MessagePlan) -> Codec:
    if plan.codec is None:
        plan.codec = Codec(plan)
    return plan.codec


def encoder(plan: MessagePlan) -> Callable[[Any], bytes]:
    """The function behind `Message.encode`: message → bytes. Raises EncodeError.

    Compiled now; until the plan gets another extension, it is the quickest thing to call.
    """
    return codec_of(plan).function("encode")


def decoder(plan: MessagePlan) -> Callable[[Any], Any]:
    """The function behind `Message.decode`: bytes → message. Raises DecodeError. See `encoder`."""
    return codec_of(plan).function("decode")


def source(plan: MessagePlan) -> str:
    """The generated source of a message's codec, for reading."""
    kinds = ["write", "read"] if not plan.extensions else ["write", "write_extensions", "read"]
    return "\n\n".join(codec_of(plan).source(kind) for kind in ("encode", "decode", *kinds))


def fast_encode(message: Message) -> bytes:
    """Encode without falling back: raises one of `write_helpers.FAULTS` or Unusual where the interpreter is needed."""
    return codec_of(message.__plan__).function("write")(message, MAX_NESTING)


def fast_decode(plan: MessagePlan, data: bytes) -> Message:
    """Decode without falling back: raises one of `read_helpers.FAULTS` where the interpreter is needed."""
    return codec_of(plan).function("read")(data, 0, len(data), None, MAX_NESTING)
