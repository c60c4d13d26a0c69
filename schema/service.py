"""Services: what a runtime must know of them, and the classes that users derive from and call.

The runtime sees paths, serializers and deserializers only. Those of a loaded service are its message classes' own
`encode` and `decode`, with nothing in between: they run once per message.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

if TYPE_CHECKING:
    from .build import Builder
    from .descriptor import MethodDescriptor, ServiceDescriptor
    from .message import Message

Serializer = Callable[[Any], bytes]
Deserializer = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """One method of a service: `path` is the HTTP/2 :path, `attribute` the name on Servicer and Stub (the method's
    own, with an underscore where that is a Python keyword)."""

    name: str
    path: str
    request_class: type[Message]
    response_class: type[Message]
    client_streaming: bool
    server_streaming: bool
    request_serializer: Serializer = field(repr=False)
    request_deserializer: Deserializer = field(repr=False)
    response_serializer: Serializer = field(repr=False)
    response_deserializer: Deserializer = field(repr=False)
    attribute: str
    descriptor: MethodDescriptor = field(repr=False)

    @property
    def shape(self) -> str:
        """The name of the Channel method that calls it: "unary_unary", "unary_stream", …"""
        request = "stream" if self.client_streaming else "unary"
        return f"{request}_{'stream' if self.server_streaming else 'unary'}"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service: its methods in order of declaration."""

    full_name: str
    methods: tuple[MethodSpec, ...]
    descriptor: ServiceDescriptor = field(repr=False)


class Servicer:
    """Base of all XServicer classes: a class that implements `__service__`."""

    __service__: ClassVar[ServiceSpec]


class Stub:
    """Base of all XStub classes: `XStub(channel)` has each method as an attribute, made by the channel.

    Any object with `unary_unary`, `unary_stream`, `stream_unary` and `stream_stream` will do as a channel, those of
    grpcio included.
    """

    __service__: ClassVar[ServiceSpec]

    def __init__(self, channel: Any) -> None:
        for method in self.__service__.methods:
            call = getattr(channel, method.shape)(
                method.path,
                request_serializer=method.request_serializer,
                response_deserializer=method.response_deserializer,
            )
            setattr(self, method.attribute, call)


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
    return _service_class("Stub", Stub, spec, {})


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
        request_serializer=request.encode,
        request_deserializer=request.decode,
        response_serializer=response.encode,
        response_deserializer=response.decode,
        attribute=method.name + "_" if keyword.iskeyword(method.name) else method.name,
        descriptor=method,
    )


def _unimplemented(method: MethodSpec) -> Callable[..., Any]:
    def unimplemented(self: Servicer, request: Any, context: Any) -> NoReturn:
        raise NotImplementedError(f"{type(self).__qualname__} does not implement {method.path}")

    unimplemented.__name__ = unimplemented.__qualname__ = method.attribute
    unimplemented.__doc__ = _signature(method)
    setattr(unimplemented, "__unimplemented__", True)  # noqa: B010: an attribute that functions do not declare
    return unimplemented


def _signature(method: MethodSpec) -> str:
    request = ("stream " if method.client_streaming else "") + method.descriptor.input_type.full_name
    response = ("stream " if method.server_streaming else "") + method.descriptor.output_type.full_name
    return f"rpc {method.name}({request}) returns ({response})"


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
