"""protoc-gen-barewire: the generator of modules as a plugin of protoc and buf.

    protoc --barewire_out=gen shop/order.proto
    protoc --barewire_out=gen --barewire_opt=pyi,package=shop.gen shop/order.proto

Parameters: `pyi` writes stubs for schemas that are loaded at run time instead of modules; `package=NAME` makes imports
absolute, below that package (empty: the output folder is on sys.path).
"""

from __future__ import annotations

import sys

from .errors import SchemaError
from .from_descriptor_proto import load
from .generate import Layout, python_modules, python_stub
from .generate_comments import comments_of
from .wkt import FILES as WELL_KNOWN_FILES
from .wkt.descriptor_pb import Edition
from .wkt.plugin_pb import CodeGeneratorRequest, CodeGeneratorResponse

Feature = CodeGeneratorResponse.Feature


class ParameterError(ValueError):
    """A parameter that the plugin does not have."""


def main() -> int:
    """Answer the request on standard input. Returns the exit status: 0 unless the request cannot be read."""
    try:
        request = CodeGeneratorRequest.decode(sys.stdin.buffer.read())
    except ValueError as error:
        print(f"protoc-gen-barewire: standard input is no request of protoc: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(answer(request).encode())
    sys.stdout.buffer.flush()
    return 0


def answer(request: CodeGeneratorRequest) -> CodeGeneratorResponse:
    """The response to a request; what is wrong with the files or the parameter is its `error`."""
    response = CodeGeneratorResponse(
        supported_features=Feature.FEATURE_PROTO3_OPTIONAL | Feature.FEATURE_SUPPORTS_EDITIONS,
        minimum_edition=Edition.EDITION_PROTO2,
        maximum_edition=Edition.EDITION_2024,
    )
    try:
        response.file = _files(request)
    except (SchemaError, ParameterError) as error:
        response.error = str(error)
    return response


def _files(request: CodeGeneratorRequest) -> list[CodeGeneratorResponse.File]:
    stubs, layout = _parameters(request.parameter or "")
    complete = {file.name: file for file in request.source_file_descriptors}
    protos = [complete.get(file.name, file) for file in request.proto_file]
    loaded = load([file.encode() for file in protos if file.name not in WELL_KNOWN_FILES])
    wanted = set(request.file_to_generate)
    written: list[CodeGeneratorResponse.File] = []
    for file in loaded:
        if file.name in wanted:
            comments = comments_of(file)
            made = [python_stub(file, comments, layout)] if stubs else python_modules(file, comments, layout)
            written += [CodeGeneratorResponse.File(name=each.path, content=each.text) for each in made]
    return written


def _parameters(text: str) -> tuple[bool, Layout]:
    stubs, package = False, None
    for parameter in filter(None, text.split(",")):
        name, equals, value = parameter.partition("=")
        if name == "pyi" and not equals:
            stubs = True
        elif name == "package" and equals:
            package = value
        else:
            raise ParameterError(f"unknown parameter {parameter!r}; there are pyi and package=NAME")
    return stubs, Layout(package)


if __name__ == "__main__":
    sys.exit(main())
