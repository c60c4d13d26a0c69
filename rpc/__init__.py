"""gRPC over HTTP/2: channels and servers."""
