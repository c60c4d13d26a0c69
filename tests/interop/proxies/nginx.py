"""nginx in front of workers: TLS outside, gRPC in the clear inside."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

# Debian puts it where only root looks.
_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"

_CONFIG = """
daemon off;
worker_processes 1;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream workers {{
    {servers}
    keepalive 32;
  }}
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/chain.pem;
    ssl_certificate_key {folder}/key.pem;
    location / {{
      grpc_pass grpc://workers;
      grpc_connect_timeout 2s;
      # gRPC requests are POSTs: without non_idempotent, one that a worker refused would not be given to the next.
      grpc_next_upstream error timeout non_idempotent;
      grpc_next_upstream_tries 3;
    }}
  }}
}}
"""


def find() -> str | None:
    """The program; None where there is none."""
    return shutil.which("nginx") or shutil.which("nginx", path=_PLACES)


def command(program: str, folder: Path, port: int, workers: Sequence[int]) -> list[str]:
    """Writes the configuration to `folder`, where chain.pem and key.pem lie. Returns what to run."""
    servers = "\n    ".join(f"server 127.0.0.1:{worker} max_fails=1 fail_timeout=1s;" for worker in workers)
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, servers=servers, port=port))
    return [program, "-e", "stderr", "-c", str(config)]
