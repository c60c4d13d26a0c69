"""Descriptors → the declarations of servicers and stubs."""

from __future__ import annotations

from collections.abc import Mapping

from .descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor
from .generate_scope import ModuleScope
from .generate_text import Text
from .service import method_attribute, method_signature


class ServiceEmitter:
    """Writes the services of a file; see MessageEmitter for the arguments.

    `rpc` is what the module calls `barewire.rpc.generated`, which type checkers need and the program does not.
    """

    def __init__(
        self, text: Text, module: ModuleScope, comments: Mapping[str, str], *, rpc: str, stub: bool = False
    ) -> None:
        self.text = text
        self.module = module
        self.comments = comments
        self.rpc = rpc
        self.is_stub = stub
        self.gap = 1 if stub else 2

    def file(self, file: FileDescriptor) -> None:
        for service, names in self.module.names(file).services.items():
            self.text.blank(self.gap)
            self.servicer(names.servicer, service)
            self.text.blank(self.gap)
            self.stub(names.stub, service)
            self.text.blank(self.gap)
            self.text.line(f"{names.spec}: {self._base('ServiceSpec')}")

    def servicer(self, name: str, service: ServiceDescriptor) -> None:
        with self.text.block(f"class {name}({self._base('Servicer')}):"):
            self.text.docstring(self._comment(service, f"Derive from this to implement {service.full_name}."))
            for number, method in enumerate(service.methods):
                self.text.blank(1 if number == 0 else self.gap - 1)
                self._handler(method)

    def stub(self, name: str, service: ServiceDescriptor) -> None:
        with self.text.block(f"class {name}({self._base('Stub')}):"):
            self.text.docstring(self._comment(service, f"Calls {service.full_name}: `{name}(channel)`."))
            for method in service.methods:
                request, response = self._types(method)
                self.text.blank()
                self.text.line(
                    f"{method_attribute(method)}: {self.rpc}.{_shape(method)}[{request}, {response}]"
                )
                self.text.docstring(self._comment(method, method_signature(method)))

    def _handler(self, method: MethodDescriptor) -> None:
        request, response = self._types(method)
        iterator = self.module.use("collections.abc", "AsyncIterator") if self._streams(method) else ""
        argument = f"requests: {iterator}[{request}]" if method.client_streaming else f"request: {request}"
        # An override that yields is declared by `async def`, but what it overrides returns an iterator.
        keyword = "def" if method.server_streaming else "async def"
        result = f"{iterator}[{response}]" if method.server_streaming else response
        arguments = ["self", argument, f"context: {self.rpc}.ServicerContext"]
        if self.is_stub:
            self.text.listed(f"{keyword} {method_attribute(method)}(", arguments, f") -> {result}: ...")
            return
        self.text.listed(f"{keyword} {method_attribute(method)}(", arguments, f") -> {result}:")
        with self.text.indented():
            self.text.docstring(self._comment(method, method_signature(method)))
            self.text.line("raise NotImplementedError")

    def _types(self, method: MethodDescriptor) -> tuple[str, str]:
        return self.module.type_name(method.input_type), self.module.type_name(method.output_type)

    def _streams(self, method: MethodDescriptor) -> bool:
        return method.client_streaming or method.server_streaming

    def _base(self, name: str) -> str:
        return f"{self.module.use('barewire.schema', 'generated')}.{name}"

    def _comment(self, declared: ServiceDescriptor | MethodDescriptor, otherwise: str) -> str:
        comment = self.comments.get(declared.full_name)
        return f"{comment}\n\n{otherwise}" if comment else otherwise


def _shape(method: MethodDescriptor) -> str:
    request = "Stream" if method.client_streaming else "Unary"
    return f"{request}{'Stream' if method.server_streaming else 'Unary'}"
