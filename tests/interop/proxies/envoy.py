"""Envoy in front of workers: TLS outside, gRPC in the clear inside, health checks, retries of what no worker began."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[3]
_FETCHED = _ROOT / ".cache" / "envoy" / "bin" / "envoy"  # where `make peers` puts it
_TYPES = "type.googleapis.com/envoy.extensions"


def find() -> str | None:
    """The program; None where there is none."""
    return shutil.which("envoy") or (str(_FETCHED) if _FETCHED.exists() else None)


def command(program: str, folder: Path, port: int, workers: Sequence[int]) -> list[str]:
    """Writes the configuration to `folder`, where chain.pem and key.pem lie. Returns what to run."""
    config = folder / "envoy.json"
    resources = {"listeners": [_listener(folder, port)], "clusters": [_cluster(workers)]}
    config.write_text(json.dumps({"static_resources": resources}))
    return [program, "-c", str(config), "-l", "warning", "--concurrency", "1", "--disable-hot-restart"]


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(folder: Path, port: int) -> dict[str, Any]:
    route = {
        "cluster": "workers",
        "timeout": "0s",
        "retry_policy": {
            "retry_on": "connect-failure,refused-stream,reset-before-request,unavailable",
            "num_retries": 3,
            # Not the worker again that has just refused.
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": f"{_TYPES}.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    },
                }
            ],
            "host_selection_retry_max_attempts": 5,
        },
    }
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "grpc",
        "codec_type": "AUTO",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": route}]}
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"},
            }
        ],
    }
    certificate = {
        "certificate_chain": {"filename": str(folder / "chain.pem")},
        "private_key": {"filename": str(folder / "key.pem")},
    }
    tls = {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"alpn_protocols": ["h2"], "tls_certificates": [certificate]},
    }
    return {
        "address": _address(port),
        "filter_chains": [
            {
                "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
                "filters": [
                    {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
                ],
            }
        ],
    }


def _cluster(workers: Sequence[int]) -> dict[str, Any]:
    return {
        "name": "workers",
        "type": "STATIC",
        "connect_timeout": "1s",
        "lb_policy": "ROUND_ROBIN",
        "circuit_breakers": {"thresholds": [{"max_retries": 1000}]},  # at once; the default is 3
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "0.2s",
                "no_traffic_interval": "0.2s",
                "unhealthy_threshold": 1,
                "healthy_threshold": 1,
                "grpc_health_check": {},
            }
        ],
        "load_assignment": {
            "cluster_name": "workers",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _address(worker)}} for worker in workers]}
            ],
        },
    }
