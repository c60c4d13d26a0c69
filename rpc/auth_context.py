"""What TLS knows of a peer, under the names that gRPC has for it (its "auth context")."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

_COMMON_NAME = "x509_common_name"
_ALTERNATIVE_NAME = "x509_subject_alternative_name"
# The kinds of subject alternative names, as `ssl` calls them, that have a property of their own.
_KINDS = {"DNS": "peer_dns", "URI": "peer_uri", "email": "peer_email", "IP Address": "peer_ip"}

AuthContext = Mapping[str, list[bytes]]


def auth_context_of(tls: ssl.SSLObject | ssl.SSLSocket | None) -> AuthContext:
    """The properties of a connection: `transport_security_type` is "ssl" over TLS; a client that showed a certificate
    which was verified has `x509_common_name`, `x509_subject_alternative_name`, `x509_pem_cert` and the names by kind
    (`peer_dns`, `peer_uri`, …). Empty without TLS."""
    if tls is None:
        return {}
    properties = {"transport_security_type": [b"ssl"]}
    encoded, certificate = tls.getpeercert(True), tls.getpeercert()
    if not encoded or not certificate:
        return properties
    properties["x509_pem_cert"] = [ssl.DER_cert_to_PEM_cert(encoded).encode()]
    subject: Any = certificate.get("subject", ())
    names = [value.encode() for part in subject for key, value in part if key == "commonName"]
    if names:
        properties[_COMMON_NAME] = names
    alternatives: Any = certificate.get("subjectAltName", ())
    for kind, name in alternatives:
        properties.setdefault(_ALTERNATIVE_NAME, []).append(name.encode())
        if kind in _KINDS:
            properties.setdefault(_KINDS[kind], []).append(name.encode())
    return properties


def identity_key_of(context: AuthContext) -> str | None:
    """The property that identifies the peer: its alternative names, else its common name; None for nobody."""
    return next((key for key in (_ALTERNATIVE_NAME, _COMMON_NAME) if key in context), None)
