"""Run a gRPC server for the servicers of a Python module, with health and reflection, until SIGTERM or Ctrl-C.

  barewire serve bookstore_server:Bookstore --port 50051

MODULE:NAME names a servicer class, a servicer, or a function that returns one or several. Modules are looked for in the
current directory first. A signal lets the calls in flight finish; a second one does not. With --workers, SIGHUP
replaces all workers by new ones, which import the code anew. Renewed certificate files are read by themselves."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import logging
import sys
import traceback
from types import ModuleType
from typing import Any, cast

from ..rpc import RpcConfigurationError, Server, TlsFiles, Web, WorkerPolicy, run_workers
from ..rpc.handlers import service_of
from ..schema import SchemaError
from .connection import seconds
from .errors import UserError
from .output import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("servicers", nargs="+", metavar="MODULE:NAME")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s; * for all")
    parser.add_argument("--port", type=int, help="default: 50051; 0 takes any free one")
    parser.add_argument(
        "--unix", metavar="PATH", help="a unix socket, instead of a port or (with --port) as well"
    )
    parser.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="any address: host:port, [v6]:port, unix:/path, unix-abstract:name, fd:3, systemd: (may be repeated)",
    )
    parser.add_argument("--reuse-port", action="store_true", help="share the port with other processes")
    parser.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="serve in N processes, which are restarted when they die and replaced on SIGHUP",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        help="for development: restart when the code or a .proto next to it changes",
    )
    parser.add_argument(
        "--max-concurrent-calls", type=positive, metavar="N", help="in each process; more are refused"
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="use TLS, with this certificate")
    parser.add_argument("--tls-key", metavar="FILE", help="the private key of --tls-cert")
    parser.add_argument(
        "--tls-client-ca", metavar="FILE", help="require clients to show a certificate signed by these"
    )
    parser.add_argument(
        "--web",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="serve pages of this origin too (gRPC-Web), over HTTP/2 and HTTP/1.1; * for all (may be repeated)",
    )
    parser.add_argument("--no-health", action="store_true", help="without grpc.health.v1")
    parser.add_argument("--no-reflection", action="store_true", help="without server reflection")
    parser.add_argument("--stats", action="store_true", help="record calls by method, for `barewire top`")
    parser.add_argument(
        "--channelz", action="store_true", help="with grpc.channelz.v1: who is connected, how"
    )
    parser.add_argument(
        "--grace", type=seconds, default=30.0, metavar="SECONDS", help="to finish calls; default: 30"
    )


def positive(text: str) -> int:
    """An argument that counts something. Raises ValueError."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def run(arguments: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    sys.path.insert(0, "")
    if arguments.workers or arguments.reload:
        return _serve_with_workers(arguments)
    asyncio.run(_serve(arguments))
    return 0


async def _server(arguments: argparse.Namespace) -> Server:
    servicers = [servicer for name in arguments.servicers for servicer in await _servicers(name)]
    return Server(
        servicers,
        health=not arguments.no_health,
        reflection=not arguments.no_reflection,
        max_concurrent_calls=arguments.max_concurrent_calls,
        channelz=arguments.channelz,
        stats=arguments.stats,
        web=Web(origins=arguments.web) if arguments.web else None,
    )


async def _serve(arguments: argparse.Namespace) -> None:
    tls = _tls(arguments)
    async with await _server(arguments) as server:
        for address in _addresses(arguments):
            try:
                port = await server.start(address, tls=tls, reuse_port=arguments.reuse_port)
            except OSError as error:
                raise _cannot_listen(address, error) from None
            shown = f"{address.rpartition(':')[0]}:{port}" if port and _has_port(address) else address
            print(f"serving {_names(server)} on {shown}{' with TLS' if tls else ''}", flush=True)
        await server.serve_until_signal(grace=arguments.grace)


def _serve_with_workers(arguments: argparse.Namespace) -> int:
    """The user's modules are imported in the workers alone: a reload then brings their new code."""
    tls, workers = _tls(arguments), arguments.workers or 1

    async def make_server() -> Server:
        try:
            return await _server(arguments)
        except (UserError, SchemaError, RpcConfigurationError) as error:
            print(f"barewire serve: {printable(str(error))}", file=sys.stderr)
            raise SystemExit(error.status if isinstance(error, UserError) else 1) from None

    def on_ready(addresses: list[str]) -> None:
        for address in addresses:
            shown = f"{address}{' with TLS' if tls else ''}, {workers} worker{'s' if workers > 1 else ''}"
            print(f"serving {', '.join(arguments.servicers)} on {shown}", flush=True)

    addresses = _addresses(arguments)
    try:
        return run_workers(
            make_server,
            addresses,
            workers=workers,
            tls=tls,
            policy=WorkerPolicy(grace=arguments.grace),
            watch=arguments.reload,
            on_ready=on_ready,
        )
    except OSError as error:
        raise _cannot_listen(", ".join(addresses), error) from None


def _addresses(arguments: argparse.Namespace) -> list[str]:
    addresses: list[str] = [*arguments.listen, *([f"unix:{arguments.unix}"] if arguments.unix else [])]
    if arguments.port is not None or not addresses:
        host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
        addresses.append(f"{host}:{50051 if arguments.port is None else arguments.port}")
    return addresses


def _has_port(address: str) -> bool:
    return not address.startswith(("fd:", "systemd:"))


def _cannot_listen(address: str, error: OSError) -> UserError:
    return UserError(f"cannot listen on {address}: {error.strerror or error}")


def _names(server: Server) -> str:
    return ", ".join(server.services.own)


async def _servicers(name: str) -> list[Any]:
    """The servicers that MODULE:NAME stands for. Raises UserError."""
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise UserError(f"{name!r} names no servicer: write MODULE:NAME", 2)
    found: Any = _import(module_name)
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UserError(
                f"module {module_name!r} has no {attribute!r}{_candidates(module_name)}"
            ) from None
    if callable(found) and (isinstance(found, type) or service_of(found) is None):
        try:
            found = found()
            if inspect.isawaitable(found):
                found = await found
        except (SchemaError, UserError):
            raise
        except Exception as error:
            raise _their_error(f"{name} could not be called without arguments", error) from None
    servicers = cast("list[Any]", list(found)) if isinstance(found, list | tuple) else [found]  # pyright: ignore[reportUnknownArgumentType]
    for servicer in servicers:
        if service_of(servicer) is None:
            raise UserError(f"{name} is no servicer, but {type(servicer).__name__}{_candidates(module_name)}")
    return servicers


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise _their_error(f"module {name!r} cannot be imported", error) from None
        raise UserError(f"there is no module {name!r}, here or among the installed ones") from None
    except SchemaError:
        raise
    except Exception as error:
        raise _their_error(f"module {name!r} cannot be imported", error) from None


def _their_error(what: str, error: Exception) -> UserError:
    """An exception in the user's code, with the lines of that code that led to it: those are theirs to read."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != __file__]
    where = "".join(traceback.format_list(theirs))
    return UserError(f"{what}: {type(error).__name__}: {error}" + (f"\n{where}" if where else "").rstrip())


def _candidates(module_name: str) -> str:
    module = sys.modules[module_name]
    names = [
        name
        for name, value in vars(module).items()
        if service_of(value) is not None and getattr(value, "__module__", None) == module.__name__
    ]
    return f"; its servicers are: {', '.join(names)}" if names else ""


def _tls(arguments: argparse.Namespace) -> TlsFiles | None:
    if not arguments.tls_cert and not arguments.tls_key and not arguments.tls_client_ca:
        return None
    if not arguments.tls_cert or not arguments.tls_key:
        raise UserError("TLS needs both --tls-cert and --tls-key", 2)
    try:
        return TlsFiles(arguments.tls_cert, arguments.tls_key, client_ca=arguments.tls_client_ca)
    except OSError as error:  # ssl.SSLError is one
        raise UserError(f"cannot use the certificates: {error}") from None
