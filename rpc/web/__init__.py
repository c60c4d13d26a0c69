"""gRPC for browsers: gRPC-Web on the port of an ordinary server, over HTTP/2 and HTTP/1.1.

server = rpc.Server([Bookstore()], web=rpc.Web(origins=["https://shop.example"]))

A *translation* (`translation`) is one call's form as an HTTP request and response; `grpc_web` is the one there is. It
makes the call a `WebCall`, which is a ServerCall to all above it. `http1` gives HTTP/1.1 the verbs of HTTP/2, so that
`WebServerConnection` and all of its calls need not know which of them they run on.
"""

from __future__ import annotations

from .options import Web

__all__ = ["Web"]
