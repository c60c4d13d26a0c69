"""Browsers and their libraries as peers: gRPC-Web."""
