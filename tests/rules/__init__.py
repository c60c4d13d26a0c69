"""The rules of gRPC over HTTP/2 as data, and who covers them."""
