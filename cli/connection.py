"""Arguments that say how to reach a server, and the channel that they make."""

from __future__ import annotations

import argparse
import base64
import binascii
import ssl

from ..rpc import Channel, Metadata
from ..rpc.metadata import encode_metadata
from .errors import UserError


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of all commands that talk to a server."""
    group = parser.add_argument_group("connection")
    group.add_argument(
        "-H",
        dest="headers",
        action="append",
        default=[],
        metavar="'KEY: VALUE'",
        help="send metadata (may be repeated); the value of a key that ends in -bin is base64",
    )
    group.add_argument("--plaintext", action="store_true", help="no TLS; this is the default")
    group.add_argument("--tls", action="store_true", help="use TLS; each of the next four implies it")
    group.add_argument("--cacert", metavar="FILE", help="trust the certificates in this file")
    group.add_argument("--cert", metavar="FILE", help="show this certificate to the server")
    group.add_argument("--key", metavar="FILE", help="the private key of --cert")
    group.add_argument("--insecure", action="store_true", help="do not verify the server's certificate")
    group.add_argument("--authority", metavar="NAME", help="the :authority, and the name that TLS checks")
    group.add_argument("--connect-timeout", type=seconds, default=10.0, metavar="SECONDS", help="default: 10")


def seconds(text: str) -> float:
    """An argument that is a time. Raises ValueError."""
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError(text)
    return value


def open_channel(arguments: argparse.Namespace, target: str) -> Channel:
    """A channel to `target`, as the arguments say. Raises UserError and RpcConfigurationError."""
    return Channel(
        target,
        tls=_tls(arguments),
        authority=arguments.authority,
        connect_timeout=arguments.connect_timeout,
        max_receive_message_size=getattr(arguments, "max_msg_sz", None) or 4 * 1024 * 1024,
    )


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    wanted = arguments.tls or arguments.cacert or arguments.cert or arguments.key or arguments.insecure
    if not wanted:
        return None
    if arguments.plaintext:
        raise UserError("--plaintext does not go with the options of TLS", 2)
    if bool(arguments.cert) != bool(arguments.key):
        raise UserError("--cert and --key go together", 2)
    try:
        context = ssl.create_default_context(cafile=arguments.cacert)
        if arguments.cert:
            context.load_cert_chain(arguments.cert, arguments.key)
    except OSError as error:  # ssl.SSLError is one
        raise UserError(f"cannot use the certificates: {error}") from None
    if arguments.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def parse_headers(headers: list[str]) -> Metadata:
    """Metadata from `key: value` texts. Raises UserError."""
    metadata = Metadata()
    for header in headers:
        key, _, value = header.partition(":")
        key, value = key.strip().lower(), value.strip()
        metadata.add(key, _decoded(key, value) if key.endswith("-bin") else value)
    try:
        encode_metadata(metadata)
    except (ValueError, TypeError) as error:
        raise UserError(str(error), 2) from None
    return metadata


def _decoded(key: str, value: str) -> bytes:
    """Base64, of either alphabet, padded or not."""
    plain = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise UserError(
            f"the value of {key} must be base64, for its name ends in -bin; got {value!r}", 2
        ) from None
