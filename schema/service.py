"""Services: what a runtime must know of them, and the classes that users derive from and call.

The runtime sees paths, serializers and deserializers only. Those of a loaded service are its message classes' own
`encode` and `decode`, with nothing in between: they run once per message.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ..wire.record import record

if TYPE_CHECKING:
    from .build import Builder
    from .descriptor import MethodDescriptor, ServiceDescriptor
    from .message import Message

Serializer = Callable[[Any], bytes]
Deserializer = Callable[[bytes], Any]


@record(kw_only=True, frozen=True)
class MethodSpec:
    """One method of a service: `path` is the HTTP/2 :path, `attribute` the name on Servicer and Stub (the method's
    own, with an underscore where that is a Python keyword).

    The deserializers are the message classes' compiled functions; the serializers see besides that a message is of
    its class. They are compiled when they are asked for, so ask for them when the method is first used.
    """

    __slots__ = ("__dict__", "__weakref__")  # for the cached properties

    name: str
    path: str
    request_class: type[Message]
    response_class: type[Message]
    client_streaming: bool
    server_streaming: bool
    attribute: str
    descriptor: MethodDescriptor

    @cached_property
    def request_serializer(self) -> Serializer:
        return _encoder(self.request_class)

    @cached_property
    def request_deserializer(self) -> Deserializer:
        return _decoder(self.request_class)

    @cached_property
    def response_serializer(self) -> Serializer:
        return _encoder(self.response_class)

    @cached_property
    def response_deserializer(self) -> Deserializer:
        return _decoder(self.response_class)

    @property
    def shape(self) -> str:
        """The name of the Channel method that calls it: "unary_unary", "unary_stream", …"""
        request = "stream" if self.client_streaming else "unary"
        return f"{request}_{'stream' if self.server_streaming else 'unary'}"


@record(frozen=True)
class ServiceSpec:
    """A service: its methods in order of declaration."""

    full_name: str
    methods: tuple[MethodSpec, ...]
    descriptor: ServiceDescriptor


class Servicer:
    """Base of all XServicer classes: a class that implements `__service__`."""

    __service__: ClassVar[ServiceSpec]


class Stub:
    """Base of all XStub classes: `XStub(channel)` has each method as an attribute.

    A method is made, by the channel's method for its shape, when it is first used; then it is an instance attribute.
    Any object with `unary_unary`, `unary_stream`, `stream_unary` and `stream_stream` will do as a channel, those of
    grpcio included.
    """

    __service__: ClassVar[ServiceSpec]

    def __init__(self, channel: Any) -> None:
        self.__channel__ = channel


class _StubMethod:
    """Stands for a method on the class of a stub until the instance has its own."""

    def __init__(self, method: MethodSpec) -> None:
        self._method = method
        self.__doc__ = _signature(method)

    def __get__(self, stub: Stub | None, owner: type[Stub]) -> Any:
        if stub is None:
            return self
        method = self._method
        call = getattr(stub.__channel__, method.shape)(
            method.path,
            request_serializer=method.request_serializer,
            response_deserializer=method.response_deserializer,
        )
        if hasattr(call, "registered"):  # on our own channels; see InterceptedCall
            call.registered = True
        setattr(stub, method.attribute, call)
        return call


# The compiling codec brings tables of 32,768 varints: a good part of the cost of importing barewire.schema, which
# programs that only look at schemas should not pay.


def _encoder(message_class: type[Message]) -> Serializer:
    from ..wire.specialize import encoder

    encode = encoder(message_class.__plan__)

    def serialize(message: Any) -> bytes:
        # A compiled function takes whatever has the attributes that it reads.
        if message.__class__ is message_class or isinstance(message, message_class):
            return encode(message)
        return _encode_foreign(message, message_class.__plan__.full_name)

    return serialize


def _encode_foreign(message: Any, full_name: str) -> bytes:
    """The same message of a schema that was loaded a second time will do."""
    plan = getattr(message, "__plan__", None)
    if plan is None:
        raise TypeError(f"a {full_name} is expected, not {type(message).__name__} {message!r:.80}")
    if plan.full_name != full_name:
        raise TypeError(f"a {full_name} is expected, not a {plan.full_name}")
    return message.encode()


def _decoder(message_class: type[Message]) -> Deserializer:
    from ..wire.specialize import decoder

    return decoder(message_class.__plan__)


def service_spec(descriptor: ServiceDescriptor, builder: Builder) -> ServiceSpec:
    """The spec of a service, with the classes that `builder` builds."""
    methods = tuple(_method_spec(method, builder) for method in descriptor.methods)
    return ServiceSpec(descriptor.full_name, methods, descriptor)


def build_servicer(spec: ServiceSpec) -> type[Servicer]:
    """XServicer: every method is there and marked `__unimplemented__`, which the server answers with UNIMPLEMENTED."""
    methods = {method.attribute: _unimplemented(method) for method in spec.methods}
    return _service_class("Servicer", Servicer, spec, methods)


def build_stub(spec: ServiceSpec) -> type[Stub]:
    """XStub; see Stub."""
    methods = {method.attribute: _StubMethod(method) for method in spec.methods}
    return _service_class("Stub", Stub, spec, methods)


def _method_spec(method: MethodDescriptor, builder: Builder) -> MethodSpec:
    request = builder.message_class(method.input_type)
    response = builder.message_class(method.output_type)
    return MethodSpec(
        name=method.name,
        path=method.path,
        request_class=request,
        response_class=response,
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        attribute=method_attribute(method),
        descriptor=method,
    )


def _unimplemented(method: MethodSpec) -> Callable[..., Any]:
    def unimplemented(self: Servicer, request: Any, context: Any) -> NoReturn:
        raise NotImplementedError(f"{type(self).__qualname__} does not implement {method.path}")

    unimplemented.__name__ = unimplemented.__qualname__ = method.attribute
    unimplemented.__doc__ = _signature(method)
    setattr(unimplemented, "__unimplemented__", True)  # noqa: B010  # an attribute that functions do not declare
    return unimplemented


def method_attribute(method: MethodDescriptor) -> str:
    """What a method is called on servicers and stubs."""
    return method.name + "_" if keyword.iskeyword(method.name) else method.name


def method_signature(method: MethodDescriptor) -> str:
    """A method as the `.proto` declares it."""
    request = ("stream " if method.client_streaming else "") + method.input_type.full_name
    response = ("stream " if method.server_streaming else "") + method.output_type.full_name
    return f"rpc {method.name}({request}) returns ({response})"


def _signature(method: MethodSpec) -> str:
    return method_signature(method.descriptor)


def _service_class(suffix: str, base: type[Any], spec: ServiceSpec, methods: dict[str, Any]) -> type[Any]:
    name = spec.descriptor.name + suffix
    namespace = {
        "__module__": spec.descriptor.file.name,
        "__qualname__": name,
        "__doc__": "\n".join([f"{spec.full_name}:", "", *map(_signature, spec.methods)]),
        "__service__": spec,
        **methods,
    }
    return type(name, (base,), namespace)
