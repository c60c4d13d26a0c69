"""Server certificates that are renewed while the server runs."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path

logger = logging.getLogger("barewire.rpc.server")


class TlsFiles:
    """A server's TLS context, read from PEM files; read again when they have changed.

    Give it to `Server.start(tls=…)`: it is asked for the context at every new connection, and then looks at the files'
    times. New files that cannot be used (a certificate whose key is not there yet, say) are logged, and the old context
    stays. `client_ca` makes clients show a certificate that is signed by it (mTLS).

    Raises OSError (ssl.SSLError is one) if the files cannot be used at first.
    """

    def __init__(
        self,
        certificate: str | Path,
        key: str | Path,
        *,
        client_ca: str | Path | None = None,
        password: str | None = None,
    ) -> None:
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self._password = password
        self._seen = self._stamps()
        self._context = self._load()

    def __call__(self) -> ssl.SSLContext:
        """The context for a new connection."""
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self._context = self._load()
                logger.info("read the renewed certificate %s", self._certificate)
            except OSError as error:
                logger.error("keeping the old certificate: cannot use %s: %s", self._certificate, error)
        return self._context

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(path) for path in (self._certificate, self._key, self._client_ca) if path is not None]

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key, self._password)
        if self._client_ca is not None:
            context.load_verify_locations(self._client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _stamp(path: str | Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
