"""`barewire serve --web`: a server for pages."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import Child
from tests.support.web_echo import frame

SERVE = ("serve", "tests.cli.bookstore_server:Bookstore", "--port", "0")


@pytest.mark.rule(101)
def test_pages_of_the_origins_given() -> None:
    with Child("barewire.cli", *SERVE, "--web", "http://a.example", "--web", "http://b.example") as child:
        port = int(child.line().rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for origin in ("http://a.example", "http://b.example"):
            fields = {"content-type": "application/grpc-web+proto", "origin": origin}
            connection.request("POST", "/bookstore.Bookstore/GetBook", frame(b"\x0a\x011"), fields)
            answer = connection.getresponse()
            assert answer.getheader("access-control-allow-origin") == origin
            assert answer.read().endswith(b"grpc-status: 0\r\n")
        connection.close()


def test_what_is_no_origin(barewire: Callable[..., Any]) -> None:
    ran = barewire(*SERVE, "--web", "a.example/page")
    assert ran.status == 1
    assert "'a.example/page' is no origin" in ran.error
