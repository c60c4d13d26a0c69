"""Compile .proto files, and write what they are compiled to. protoc's names of flags are understood too.

barewire compile -I protos -o shop.pb --include-imports protos/shop/order.proto
    shop.pb: a FileDescriptorSet, as protoc writes it
barewire compile -I protos --python-out=src/shop protos/shop/order.proto
    src/shop/shop/order_pb.py: messages, enums, extensions; src/shop/shop/order_rpc.py: servicers and stubs
barewire compile -I protos --pyi-out=src protos/shop/order.proto
    src/shop/order.pyi: the types of what schema.load("shop/order.proto") gives"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from ..schema.compile import compile_files
from ..schema.descriptor import FileDescriptor
from ..schema.descriptor_set import dependency_rule, descriptor_set, in_order
from ..schema.errors import Diagnostic
from ..schema.generate import Generated, Layout, python_modules, python_stub
from ..schema.generate_comments import comments_of
from ..schema.load import import_name
from ..schema.wkt import FILES as WELL_KNOWN_FILES
from .errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument(
        "-I",
        "--import-path",
        "--proto_path",
        "--proto-path",
        dest="include",
        action="append",
        default=[],
        metavar="DIR",
        help="where imports are found (default: the working directory)",
    )
    _add_set_arguments(parser)
    python = parser.add_argument_group("Python")
    python.add_argument(
        "--python-out",
        "--python_out",
        type=Path,
        metavar="DIR",
        help="write x_pb.py and x_rpc.py for x.proto",
    )
    python.add_argument(
        "--pyi-out",
        "--pyi_out",
        type=Path,
        metavar="DIR",
        help="write x.pyi, for a schema that is loaded at run time",
    )
    python.add_argument(
        "--python-package",
        metavar="NAME",
        help='generated modules import each other from this package ("": DIR is on sys.path) instead of relatively',
    )


def _add_set_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("descriptor sets")
    group.add_argument(
        "-o",
        "--descriptor-set-out",
        "--descriptor_set_out",
        dest="set_out",
        type=Path,
        metavar="FILE",
        help="write a FileDescriptorSet",
    )
    for flag, help in (
        ("include_imports", "put the files that FILE… import into it too"),
        ("include_source_info", "put places and comments into it"),
        ("retain_options", "keep the options that are meant for the source only"),
    ):
        group.add_argument(f"--{flag.replace('_', '-')}", f"--{flag}", action="store_true", help=help)
    group.add_argument(
        "--dependency-out",
        "--dependency_out",
        type=Path,
        metavar="FILE",
        help="write, for make, which files the outputs depend on",
    )
    parser.add_argument(
        "--fatal-warnings",
        "--fatal_warnings",
        action="store_true",
        help="exit with 1 when there are warnings",
    )


def run(arguments: argparse.Namespace) -> int:
    _check(arguments)
    pool: dict[str, FileDescriptor] = {}
    warnings: list[Diagnostic] = []
    files = _compile(arguments, pool, warnings)
    for warning in warnings:
        print(warning, file=sys.stderr)
    if warnings and arguments.fatal_warnings:
        return 1
    outputs: list[Path] = []
    layout = Layout(arguments.python_package)
    # The well-known types are not generated: they come with the runtime.
    own = [file for file in files if file.name not in WELL_KNOWN_FILES]
    if arguments.python_out is not None:
        outputs += _write(arguments.python_out, _modules(own, layout))
    if arguments.pyi_out is not None:
        outputs += _write(arguments.pyi_out, (python_stub(file, comments_of(file), layout) for file in own))
    if arguments.set_out is not None:
        data = descriptor_set(
            files,
            imports=arguments.include_imports,
            source_info=arguments.include_source_info,
            retain_options=arguments.retain_options,
            known=pool.values(),
        )
        outputs.append(_write_bytes(arguments.set_out, data))
    if arguments.dependency_out is not None:
        rule = dependency_rule([str(path) for path in outputs], in_order(files, None, pool.values()))
        _write_bytes(arguments.dependency_out, rule.encode("utf-8", "surrogateescape"))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.set_out is None:
        for flag in ("include_imports", "include_source_info", "retain_options"):
            if getattr(arguments, flag):
                raise UserError(f"--{flag.replace('_', '-')} is for -o, which is not given", status=2)
        if arguments.python_out is None and arguments.pyi_out is None:
            raise UserError("nothing is to be written: give -o, --python-out or --pyi-out", status=2)


def _compile(
    arguments: argparse.Namespace, pool: dict[str, FileDescriptor], warnings: list[Diagnostic]
) -> list[FileDescriptor]:
    folders = [Path(folder) for folder in arguments.include or ["."]]
    names: list[str] = []
    for path in arguments.files:
        name, folders = import_name(Path(path), folders)
        names.append(name)
    # Generated modules have the comments.
    with_info = (
        arguments.include_source_info
        or arguments.set_out is None
        or bool(arguments.python_out or arguments.pyi_out)
    )
    return compile_files(
        list(dict.fromkeys(names)), include=folders, pool=pool, source_info=with_info, warnings=warnings
    )


def _modules(files: list[FileDescriptor], layout: Layout) -> Iterator[Generated]:
    for file in files:
        yield from python_modules(file, comments_of(file), layout)


def _write(folder: Path, files: Iterator[Generated]) -> list[Path]:
    return [_write_bytes(folder / file.path, file.text.encode()) for file in files]


def _write_bytes(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    return path
