from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.errors import RpcConfigurationError
from barewire.rpc.target import Target, parse_target


@pytest.mark.rule(80)
@pytest.mark.parametrize(
    ("name", "target", "authority"),
    [
        ("localhost:50051", Target("localhost", 50051), "localhost:50051"),
        ("example.com", Target("example.com", 443), "example.com:443"),
        ("dns:example.com:1", Target("example.com", 1), "example.com:1"),
        ("dns:///example.com:1", Target("example.com", 1), "example.com:1"),
        ("ipv4:10.0.0.1:2", Target("10.0.0.1", 2), "10.0.0.1:2"),
        ("ipv6:[::1]:3", Target("::1", 3), "[::1]:3"),
        ("[::1]:3", Target("::1", 3), "[::1]:3"),
        ("[::1]", Target("::1", 443), "[::1]:443"),
        ("::1", Target("::1", 443), "[::1]:443"),
        ("dns:443", Target("dns", 443), "dns:443"),  # a host of that name
        ("unix:relative.sock", Target(path="relative.sock"), "localhost"),
        ("unix:/tmp/a.sock", Target(path="/tmp/a.sock"), "localhost"),
        ("unix:///tmp/a.sock", Target(path="/tmp/a.sock"), "localhost"),
        ("unix-abstract:name", Target(path="\0name"), "localhost"),
    ],
)
def test_r80_names(name: str, target: Target, authority: str) -> None:
    assert parse_target(name) == target
    assert target.authority == authority
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "no host"),
        (":1", "no host"),
        ("host:port", "'port' is not a port"),
        ("host:65536", "not a port"),
        ("host:١", "not a port"),
        ("[::1", r"\[address\]:port"),
        ("[::1]x", r"\[address\]:port"),
        ("unix:", "no path"),
        ("unix-abstract:", "no path"),
        ("dns://8.8.8.8/host:1", "use dns:///host:1"),
        ("http://host:1", "no resolver is known for 'http'.*host:port"),
        ("consul:///books", "no resolver is known for 'consul'"),
        ("host/path:1", "no '/'"),
        ("a:b:c", "neither host:port nor an IPv6 address"),
    ],
)
def test_what_cannot_work_is_a_configuration_error(name: str, complaint: str) -> None:
    with pytest.raises(RpcConfigurationError, match=complaint):
        parse_target(name)


def test_a_server_needs_a_port() -> None:
    with pytest.raises(RpcConfigurationError, match="write localhost:PORT"):
        parse_target("localhost", default_port=None)
    assert parse_target("localhost:0", default_port=None) == Target("localhost", 0)


@given(st.text(max_size=20))
def test_any_text_is_a_target_or_a_configuration_error(name: str) -> None:
    try:
        target = parse_target(name)
    except RpcConfigurationError:
        return
    assert target.path or target.host
