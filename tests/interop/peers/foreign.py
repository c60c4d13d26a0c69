"""Peers that are programs of ours in other languages, made ready by `make peers`: grpc-js, and Debian's gRPC for C++.

Each is one program, with a server of grpc.testing.TestService and a client that driver.proto commands.
"""

from __future__ import annotations

import os
import shutil

from tests.support.peers import missing
from tests.support.processes import ROOT, Program

PEERS = ROOT / ".cache" / "peers"


def node_program(package: str) -> tuple[str, dict[str, str]]:
    """Node, and the environment in which it finds a package of npm."""
    program = shutil.which("node") or shutil.which("node", path=PEERS / "node" / "venv" / "bin")
    modules = PEERS / "node" / "node_modules"
    if program is None or not (modules / package).is_dir():
        missing(f"no {package} of npm: `make peers` gets it where Node and npm are installed")
    return program, {"NODE_PATH": str(modules)}


def node(role: str, *arguments: str) -> Program:
    """`role` is "server" or "client"; the arguments are its address or target, and a certificate for TLS."""
    program, environment = node_program("@grpc/grpc-js")
    peer = ROOT / "tests" / "interop" / "peers" / "node" / "peer.js"
    return Program(program, str(peer), role, *arguments, **environment)


def cpp(role: str, *arguments: str) -> Program:
    """The same, in C++."""
    program = PEERS / "cpp" / "peer"
    if not os.access(program, os.X_OK):
        missing("no peer in C++: `make peers` builds it where libgrpc++-dev is installed")
    return Program(str(program), role, *arguments)
