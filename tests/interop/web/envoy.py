"""Envoy as the proxy that browsers' calls went through until now: its grpc_web and cors filters before a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.interop.proxies.envoy import find

__all__ = ("command", "find")

_TYPES = "type.googleapis.com/envoy.extensions"


def command(program: str, folder: Path, port: int, server: int, page: str) -> list[str]:
    """Writes the configuration to `folder`. Returns what to run."""
    config = folder / "envoy.json"
    resources = {"listeners": [_listener(port, page)], "clusters": [_cluster(server)]}
    config.write_text(json.dumps({"static_resources": resources}))
    return [program, "-c", str(config), "-l", "warning", "--concurrency", "1", "--disable-hot-restart"]


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _filter(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_TYPES}.filters.http.{name}.v3.{kind}"},
    }


def _listener(port: int, page: str) -> dict[str, Any]:
    cors = {
        "@type": f"{_TYPES}.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{"exact": page}],
        "allow_methods": "POST",
        "allow_headers": "content-type,x-grpc-web,x-own",
        "expose_headers": "grpc-status,grpc-message",
        "max_age": "7200",
    }
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "web",
        "codec_type": "AUTO",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "server", "timeout": "0s"}}],
                    "typed_per_filter_config": {"envoy.filters.http.cors": cors},
                }
            ]
        },
        "http_filters": [
            _filter("grpc_web", "GrpcWeb"),
            _filter("cors", "Cors"),
            _filter("router", "Router"),
        ],
    }
    return {
        "address": _address(port),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _cluster(server: int) -> dict[str, Any]:
    return {
        "name": "server",
        "type": "STATIC",
        "connect_timeout": "5s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": "server",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(server)}}]}],
        },
    }
