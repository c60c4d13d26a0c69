"""Descriptors → Python modules: typed, documented, and bound to the runtime by `schema.generated`.

For `shop/order.proto`: `shop/order_pb.py` (messages, enums, extensions) and, where it declares services,
`shop/order_rpc.py` (servicers and stubs). `shop/order.pyi` holds both, for a schema that is loaded at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .descriptor import FileDescriptor
from .from_descriptor_proto import load
from .frozen import freeze
from .generate_messages import MessageEmitter
from .generate_paths import ModulePath, module_path
from .generate_scope import ModuleScope, import_order
from .generate_services import ServiceEmitter
from .generate_text import Text
from .generated import CONTRACT
from .registry import with_dependencies
from .to_descriptor_proto import file_descriptor_proto
from .wkt import FILES as WELL_KNOWN_FILES

Comments = Mapping[str, str]
NO_COMMENTS: Comments = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Generated:
    """A file to be written, below the output folder."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Layout:
    """`package` is where the output folder is imported from, for absolute imports (empty: it is on sys.path); None for
    relative imports, which work wherever the folder lies. `inside` is as for ModuleScope."""

    package: str | None = None
    inside: Mapping[str, str] = field(default_factory=dict[str, str])


RELATIVE = Layout()


def python_modules(
    file: FileDescriptor, comments: Comments = NO_COMMENTS, layout: Layout = RELATIVE
) -> list[Generated]:
    """The modules for one file. `comments` are those of the `.proto` by full name, "" for the file."""
    modules = [_messages_module(file, comments, layout)]
    if file.services:
        modules.append(_services_module(file, comments, layout))
    return modules


def python_stub(
    file: FileDescriptor, comments: Comments = NO_COMMENTS, layout: Layout = RELATIVE
) -> Generated:
    """The `.pyi` for a module that gives access to the Schema of a file that is loaded at run time."""
    path = module_path(file.name, "")
    module = ModuleScope(
        path, [file], lambda other: module_path(other.name, ""), layout.package, layout.inside
    )
    body = Text()
    MessageEmitter(body, module, comments, stub=True).file(file)
    if file.services:
        has_methods = any(service.methods for service in file.services)
        rpc = module.use("barewire.rpc", "generated", "rpc") if has_methods else ""
        ServiceEmitter(body, module, comments, rpc=rpc, stub=True).file(file)
    _re_exports(body, module, file)
    for alias in module.aliases():
        body.line(alias)
    return Generated(path.file_name(".pyi"), _assemble(file, comments, module.imports(), body))


def _messages_module(file: FileDescriptor, comments: Comments, layout: Layout) -> Generated:
    path = messages_path(file)
    module = ModuleScope(path, [file], messages_path, layout.package, layout.inside)
    generated = module.use("barewire.schema", "generated")
    dependencies = [
        f"{module.module(other)}.__proto__"
        for other in file.dependencies
        if other.name not in WELL_KNOWN_FILES
    ]
    body = Text()
    body.line(f"{generated}.require(contract={CONTRACT}, module=__name__)")
    MessageEmitter(body, module, comments).file(file)
    _re_exports(body, module, file)
    aliases = module.aliases()
    if aliases:
        body.blank(2)
        with body.block(
            f"if {module.use('typing', 'TYPE_CHECKING')}:  # names that a class above has a field for"
        ):
            for alias in aliases:
                body.line(alias)
    body.blank(2)
    _all(body, module, file)
    body.blank()
    body.line(
        "# What the classes above are built from: the FileDescriptorProto, as protoc encodes it, and what it"
    )
    body.line("# is compiled to, which is taken while the installed barewire compiles to the same format.")
    body.line(f"__proto__ = {generated}.File(")
    body.line("    globals(),")
    body.line(f"    name={_quoted(file.name)},")
    if dependencies:
        body.line(f"    dependencies=[{', '.join(dependencies)}],")
    if file.name not in WELL_KNOWN_FILES:
        with body.indented():
            descriptor = file_descriptor_proto(file).encode()
            body.constant("descriptor=(", descriptor, "),")
            body.constant("compiled=(", freeze(_recompiled(descriptor, file)), "),")
    body.line(")")
    return Generated(path.file_name(), _assemble(file, comments, module.imports(), body))


def _recompiled(descriptor: bytes, file: FileDescriptor) -> FileDescriptor:
    """What a runtime would compile `descriptor` to: `file`, but for the order of its options, which depends on whether
    it came from a source or from protoc."""
    known = {dependency.name: dependency for dependency in with_dependencies(file.dependencies)}
    return load([descriptor], known)[0]


def _services_module(file: FileDescriptor, comments: Comments, layout: Layout) -> Generated:
    path = module_path(file.name, "_rpc")
    module = ModuleScope(path, [], messages_path, layout.package, layout.inside)
    module.reserve(file)
    generated = module.use("barewire.schema", "generated")
    rpc = module.free("rpc")
    own = module.module(file)
    body = Text()
    if any(service.methods for service in file.services):
        with body.block(f"if {module.use('typing', 'TYPE_CHECKING')}:"):
            body.line(f"from barewire.rpc import generated as {rpc}")
        body.blank()
    body.line(f"{generated}.require(contract={CONTRACT}, module=__name__)")
    ServiceEmitter(body, module, comments, rpc=rpc).file(file)
    body.blank(2)
    names = [
        name
        for each in module.names(file).services.values()
        for name in (each.spec, each.servicer, each.stub)
    ]
    body.listed("__all__ = [", map(_quoted, sorted(names, key=import_order)), "]")
    body.blank()
    body.line(f"{own}.__proto__.bind_services(globals())")
    return Generated(path.file_name(), _assemble(file, comments, module.imports(), body))


def messages_path(file: FileDescriptor) -> ModulePath:
    """Where the messages of a file are."""
    return module_path(file.name, "_pb")


def _re_exports(body: Text, module: ModuleScope, file: FileDescriptor) -> None:
    """What a file imports publicly, whoever imports it may use as if it stood there."""
    for index in file.public_dependency:
        other = file.dependencies[index]
        if other.name in WELL_KNOWN_FILES:
            continue
        alias = module.module(other)
        body.blank()
        for name in module.public_names(other):
            body.line(f"{name} = {alias}.{name}")


def _all(body: Text, module: ModuleScope, file: FileDescriptor) -> None:
    names = sorted(module.names(file).top, key=import_order)
    body.listed("__all__ = [", map(_quoted, names), "]") if names else body.line("__all__: list[str] = []")


def assemble(first: str, docstring: str, imports: list[str], body: Text) -> str:
    """A module of its parts; `first` is the comment on the first line."""
    head = Text()
    head.line(first)
    head.docstring(docstring)
    head.blank()
    head.line("from __future__ import annotations")
    head.blank()
    for line in imports:
        head.line(line)
    return head.text() + "\n" + body.text()


def _assemble(file: FileDescriptor, comments: Comments, imports: list[str], body: Text) -> str:
    first = f"# Generated by barewire from {file.name}. Do not edit: generate it again."
    return assemble(first, comments.get("", ""), imports, body)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
