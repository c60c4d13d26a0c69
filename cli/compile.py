"""Compile .proto files, and write what they are compiled to.

barewire compile -I protos --python-out=src/shop protos/shop/order.proto
    src/shop/shop/order_pb.py: messages, enums, extensions; src/shop/shop/order_rpc.py: servicers and stubs
barewire compile -I protos --pyi-out=src protos/shop/order.proto
    src/shop/order.pyi: the types of what schema.load("shop/order.proto") gives"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from ..schema.compile import compile_files
from ..schema.descriptor import FileDescriptor
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


def run(arguments: argparse.Namespace) -> int:
    if arguments.python_out is None and arguments.pyi_out is None:
        raise UserError("nothing is to be written: give --python-out or --pyi-out", status=2)
    files = _compile(arguments.files, arguments.include)
    layout = Layout(arguments.python_package)
    if arguments.python_out is not None:
        _write(arguments.python_out, _modules(files, layout))
    if arguments.pyi_out is not None:
        _write(arguments.pyi_out, (python_stub(file, comments_of(file), layout) for file in files))
    return 0


def _compile(paths: list[str], include: list[str]) -> list[FileDescriptor]:
    folders = [Path(folder) for folder in include or ["."]]
    names: list[str] = []
    for path in paths:
        name, folders = import_name(Path(path), folders)
        names.append(name)
    # The well-known types are not generated: they come with the runtime.
    wanted = [name for name in dict.fromkeys(names) if name not in WELL_KNOWN_FILES]
    return compile_files(wanted, include=folders, pool={}, source_info=True)


def _modules(files: list[FileDescriptor], layout: Layout) -> Iterator[Generated]:
    for file in files:
        yield from python_modules(file, comments_of(file), layout)


def _write(folder: Path, files: Iterator[Generated]) -> None:
    for file in files:
        path = folder / file.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"{path}: {error.strerror or error}") from error
