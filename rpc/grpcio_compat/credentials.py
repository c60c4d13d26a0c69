"""grpcio's credentials objects, made from PEM bytes, as SSLContexts."""

from __future__ import annotations

import inspect
import os
import ssl
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

MetadataPairs = Iterable[tuple[str, str | bytes]]
Plugin = Callable[[Any, Callable[[MetadataPairs, Exception | None], None]], None]


class AuthMetadataContext(NamedTuple):
    """What a plugin of call credentials is told of the call."""

    service_url: str
    method_name: str


@dataclass(frozen=True)
class CallCredentials:
    """Adds metadata to calls on secure channels."""

    plugins: tuple[Plugin, ...]

    def metadata(self, authority: str, path: str) -> list[tuple[str, str | bytes]]:
        """The metadata for one call. Raises what a plugin has failed with."""
        service, _, method = path[1:].rpartition("/")
        context = AuthMetadataContext(f"https://{authority}/{service}", method)
        pairs: list[tuple[str, str | bytes]] = []
        for plugin in self.plugins:
            answers: list[tuple[MetadataPairs, Exception | None]] = []
            plugin(context, lambda metadata, error, answers=answers: answers.append((metadata, error)))
            if not answers:
                raise RuntimeError("the plugin of the call credentials did not call back at once")
            metadata, error = answers[0]
            if error is not None:
                raise error
            pairs += metadata
        return pairs


@dataclass(frozen=True)
class ChannelCredentials:
    """How a channel is secured, and what its calls carry."""

    tls: ssl.SSLContext
    calls: CallCredentials | None = None


@dataclass(frozen=True)
class ServerCredentials:
    """How a port is secured."""

    tls: ssl.SSLContext


def ssl_channel_credentials(
    root_certificates: bytes | None = None,
    private_key: bytes | None = None,
    certificate_chain: bytes | None = None,
) -> ChannelCredentials:
    """TLS for a channel, from PEM; without roots, the system's. Raises ssl.SSLError for what is no PEM."""
    roots = None if root_certificates is None else root_certificates.decode("ascii")
    context = ssl.create_default_context(cadata=roots)
    if certificate_chain is not None:
        _load_chain(context, certificate_chain, private_key or b"")
    return ChannelCredentials(context)


def ssl_server_credentials(
    private_key_certificate_chain_pairs: Sequence[tuple[bytes, bytes]],
    root_certificates: bytes | None = None,
    require_client_auth: bool = False,
) -> ServerCredentials:
    """TLS for a port, from PEM: one (private key, certificate chain). Raises ssl.SSLError, ValueError."""
    if len(private_key_certificate_chain_pairs) != 1:
        raise ValueError("exactly one pair of private key and certificate chain is supported")
    if require_client_auth and root_certificates is None:
        raise ValueError("require_client_auth needs root_certificates to check clients against")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    [(private_key, chain)] = private_key_certificate_chain_pairs
    _load_chain(context, chain, private_key)
    if root_certificates is not None:
        context.load_verify_locations(cadata=root_certificates.decode("ascii"))
        context.verify_mode = ssl.CERT_REQUIRED if require_client_auth else ssl.CERT_OPTIONAL
    return ServerCredentials(context)


def _load_chain(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    # `ssl` reads keys from files only. mkstemp's file is its owner's alone, and is gone at the end.
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key + b"\n" + chain)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def metadata_call_credentials(metadata_plugin: Plugin, name: str | None = None) -> CallCredentials:
    """Call credentials from a plugin: `plugin(context, callback)` calls `callback(metadata, error)`, at once."""
    if inspect.iscoroutinefunction(metadata_plugin):
        raise TypeError("a plugin of call credentials is a plain function")
    return CallCredentials((metadata_plugin,))


def access_token_call_credentials(access_token: str) -> CallCredentials:
    """`authorization: Bearer …` on every call."""
    pairs = (("authorization", f"Bearer {access_token}"),)
    return CallCredentials((lambda _, callback: callback(pairs, None),))


def composite_call_credentials(*call_credentials: CallCredentials) -> CallCredentials:
    """Several in one."""
    return CallCredentials(tuple(plugin for each in call_credentials for plugin in each.plugins))


def composite_channel_credentials(
    channel_credentials: ChannelCredentials, *call_credentials: CallCredentials
) -> ChannelCredentials:
    """Channel credentials whose calls carry call credentials."""
    before = () if channel_credentials.calls is None else (channel_credentials.calls,)
    return ChannelCredentials(channel_credentials.tls, composite_call_credentials(*before, *call_credentials))
