"""Who talks to whom in the official cases, and what cannot be asked of whom: the columns of the matrix, and its n/a."""

from __future__ import annotations

from dataclasses import dataclass

from .cases import CASES, FULL, SMALL, Size

OURS = ("barewire", "barewire-sync")
GRPCIO = ("grpcio-sync", "grpcio-aio")
FOREIGN = ("go", "node", "cpp")
NAMES = {
    "barewire": "barewire asyncio",
    "barewire-sync": "barewire blocking",
    "grpcio-sync": "grpcio",
    "grpcio-aio": "grpcio aio",
    "go": "Go",
    "node": "Node",
    "cpp": "C++",
    "scripted": "scripted server",
}


@dataclass(frozen=True)
class Column:
    client: str
    server: str
    tls: bool = False

    @property
    def size(self) -> Size:
        """How many calls the cases make that make many: all of them where both ends are ours, once in plaintext."""
        return FULL if self.client in OURS and self.server in OURS and not self.tls else SMALL

    def __str__(self) -> str:
        return f"{self.client}-to-{self.server}{'-tls' if self.tls else ''}"


_ENDS = [
    *((client, server) for client in OURS for server in (*GRPCIO, "barewire")),
    *((client, "barewire") for client in GRPCIO),
    ("grpcio-sync", "grpcio-aio"),  # the control: a case that fails here is wrong
    ("grpcio-aio", "grpcio-sync"),
]
_FOREIGN_ENDS = [
    (client, server)
    for foreign in FOREIGN
    for client, server in ((OURS[0], foreign), (OURS[1], foreign), (foreign, "barewire"), (foreign, foreign))
]
TABLES = {
    "Python, plaintext": [Column(*ends) for ends in _ENDS],
    "Python, TLS": [Column(*ends, tls=True) for ends in _ENDS],
    "Other languages, plaintext": [Column(*ends) for ends in _FOREIGN_ENDS],
    "Other languages, TLS": [Column(*ends, tls=True) for ends in _FOREIGN_ENDS],
}
NEGATIVE_COLUMNS = [Column(client, "scripted") for client in (*OURS, *GRPCIO)]
COLUMNS = [column for table in TABLES.values() for column in table]

# The official cases that no column has.
LEFT_OUT = {
    "cacheable_unary": "is about requests by GET, which no specification of gRPC knows (grpc/grpc#18230); C-core has "
    "removed them (grpc/grpc#28922), grpc-java switched them off (grpc/grpc-java#6192), the description alone is left",
    "compute_engine_creds": "needs a machine in Google's cloud",
    "compute_engine_channel_credentials": "needs a machine in Google's cloud",
    "google_default_credentials": "needs an account of Google's cloud",
    "jwt_token_creds": "needs an account of Google's cloud",
    "oauth2_auth_token": "needs an account of Google's cloud",
    "per_rpc_creds": "needs an account of Google's cloud; call_credentials asks the same with a token of our own",
    "service_account_creds": "needs an account of Google's cloud",
    "connection_backoff": "needs the official reconnect server and nine minutes; virtual time tests R78",
    "long_lived_channel": "needs hours",
    "mcs_cs": "a draft about several connections per channel (A105)",
    "grpclb, xds_*": "grpclb and xDS are out of barewire's scope",
}

_BLIND_SERVER = "does not tell a server whether a request came compressed"
_COMPRESSED_REQUESTS = ("client_compressed_unary", "client_compressed_streaming")
_COMPRESSED_RESPONSES = ("server_compressed_unary", "server_compressed_streaming")
_COMPRESSION = (*_COMPRESSED_REQUESTS, *_COMPRESSED_RESPONSES)

_OOB = ("orca_oob",)
_NO_LOAD = "gRPC's C core keeps the server's load to itself"
_NO_LOAD_SERVICE = "{} has no service for streams of load"
_GRPCIO_CLIENT = {
    ("client_compressed_streaming",): "grpcio's client cannot leave out one message from compression",
    ("orca_per_rpc", "orca_oob"): _NO_LOAD,
    ("data_frame_padding",): "gRPC's C core takes no padded frames",
}

# (end, its name) → the cases that it cannot take part in → why.
LACKS: dict[tuple[str, str], dict[tuple[str, ...], str]] = {
    ("client", "grpcio-sync"): _GRPCIO_CLIENT,
    ("client", "grpcio-aio"): _GRPCIO_CLIENT,
    ("server", "grpcio-sync"): {
        _COMPRESSED_REQUESTS: f"grpcio {_BLIND_SERVER}",
        _OOB: _NO_LOAD_SERVICE.format("grpcio"),
    },
    ("server", "grpcio-aio"): {
        _COMPRESSED_REQUESTS: f"grpcio {_BLIND_SERVER}",
        ("server_compressed_unary",): "grpcio's asyncio server sends unary responses plain, whatever is set",
        _OOB: _NO_LOAD_SERVICE.format("grpcio"),
    },
    ("client", "go"): {
        (*_COMPRESSION, "half_duplex", "slow_consumer", "concurrent_large_unary"): (
            "the official client in Go has no such case"
        ),
        ("call_credentials",): "the official client in Go takes only tokens of Google's cloud",
    },
    ("client", "cpp"): {("orca_per_rpc", "orca_oob"): _NO_LOAD},
    ("server", "cpp"): {
        _COMPRESSED_REQUESTS: f"gRPC's public API for C++ {_BLIND_SERVER}",
        _OOB: _NO_LOAD_SERVICE.format("gRPC for C++ 1.51"),
    },
    ("client", "node"): {_OOB: "grpc-js hears streams of load for its own balancer alone"},
    ("server", "node"): {
        _COMPRESSED_REQUESTS: f"grpc-js {_BLIND_SERVER}",
        _COMPRESSED_RESPONSES: "grpc-js's server does not compress",
        _OOB: "grpc-js's recorder of a server's load has no place for memory",
    },
    ("server", "go"): {
        _COMPRESSION: "the official server in Go does not do what these cases ask about compression",
        ("call_credentials",): "the official server in Go does not say who called",
        ("pick_first_unary",): "the official server in Go does not say which one it is",
    },
}


def why_not(case: str, column: Column) -> str | None:
    """Why a case is not run in a column; None if it is."""
    if column.tls and case in CASES and CASES[case].needs_wire:
        return "whether a message is compressed cannot be seen through TLS"
    if case == "call_credentials" and not column.tls:
        return "credentials of a call are for secure connections"
    for end in (("client", column.client), ("server", column.server)):
        for cases, reason in LACKS.get(end, {}).items():
            if case in cases:
                return reason
    return None
