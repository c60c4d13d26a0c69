"""Service configs in DNS: what TXT records say, when they are looked up, and both shells against a real DNS server."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import dns.asyncresolver as dns_asyncio
import dns.resolver as dns_blocking
import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire import rpc
from barewire.rpc.connectivity import ConnectivityState as State
from barewire.rpc.dns_config import config_name, read_config_records
from barewire.rpc.dns_resolver import dns_resolver
from barewire.rpc.errors import RpcConfigurationError
from barewire.rpc.target import ChannelTarget
from tests.support.peers import missing
from tests.support.processes import reserved_port
from tests.support.rpc_balanced import Make, clients, closing, named
from tests.support.rpc_blocking import ServerThread, eventually
from tests.support.rpc_channel_core import VirtualChannel

CONFIG: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}


def record(*choices: dict[str, Any]) -> bytes:
    return b"grpc_config=" + json.dumps(choices).encode()


def chosen(*choices: dict[str, Any], hostname: str = "web-1", percentile: int = 0) -> str | None:
    """The name of the first balancer of the config that counts."""
    config = read_config_records([record(*choices)], hostname, percentile)
    return config.load_balancing[0][0] if config is not None else None


def choice(balancer: str, **criteria: Any) -> dict[str, Any]:
    return {"serviceConfig": {"loadBalancingConfig": [{balancer: {}}]}, **criteria}


@pytest.mark.rule(85)
def test_r85_the_first_choice_that_fits_counts() -> None:
    choices = [
        choice("a", clientLanguage=["go", "C++"]),
        choice("b", clientLanguage=["PYTHON"], clientHostname=["web-2", "web-3"]),
        choice("c", percentage=30),
        choice("d", clientHostname=[], clientLanguage=[], percentage=100),
        choice("e"),
    ]
    assert chosen(*choices, hostname="web-2", percentile=99) == "b"
    assert chosen(*choices, hostname="WEB-2", percentile=29) == "c"  # host names are case-sensitive
    assert chosen(*choices, hostname="web-1", percentile=30) == "d"
    assert chosen(choice("a", percentage=0)) is None
    assert chosen() is None


def test_records_of_other_things_are_no_configs() -> None:
    assert read_config_records([], "", 0) is None
    assert read_config_records([b"v=spf1 -all", b"grpc_config"], "", 0) is None
    config = read_config_records([b"v=spf1 -all", record(choice("a")), record(choice("b"))], "", 0)
    assert config is not None
    assert config.load_balancing[0][0] == "a"


@pytest.mark.rule(85)
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON"),
        ("{}", "grpc_config has to be an array"),
        ("[1]", "grpc_config[0] has to be an object"),
        ("[{}]", "grpc_config[0].serviceConfig is missing"),
        ('[{"serviceConfig": []}]', "grpc_config[0].serviceConfig has to be an object"),
        ('[{"serviceConfig": {"methodConfig": 1}}]', "methodConfig has to be an array"),
        (
            '[{"serviceConfig": {}}, {"serviceConfig": {}, "clientOS": []}]',
            "grpc_config[1].clientOS is not known",
        ),
        ('[{"serviceConfig": {}, "percentage": 101}]', "grpc_config[0].percentage has to be a whole number"),
        ('[{"serviceConfig": {}, "percentage": 1.0}]', "grpc_config[0].percentage"),
        ('[{"serviceConfig": {}, "percentage": true}]', "grpc_config[0].percentage"),
        ('[{"serviceConfig": {}, "percentage": "5"}]', "grpc_config[0].percentage"),
        (
            '[{"serviceConfig": {}, "clientLanguage": "go"}]',
            "grpc_config[0].clientLanguage has to be an array",
        ),
        (
            '[{"serviceConfig": {}, "clientHostname": [1]}]',
            "grpc_config[0].clientHostname[0] has to be a string",
        ),
    ],
)
def test_r85_one_wrong_thing_and_no_choice_counts(text: str, problem: str) -> None:
    with pytest.raises(RpcConfigurationError) as caught:
        read_config_records([b"grpc_config=" + text.encode()], "", 0)
    assert problem in str(caught.value)


@given(st.binary(max_size=60) | st.text('[]{}",:0serviceConfig', max_size=60).map(str.encode))
def test_nothing_but_a_configuration_error_comes_of_any_record(text: bytes) -> None:
    with contextlib.suppress(RpcConfigurationError):
        read_config_records([b"grpc_config=" + text], "", 0)


# -- when it is looked up, in virtual time ------------------------------------------------------------------------


@pytest.mark.rule(104)
def test_r104_ip_addresses_and_localhost_have_none() -> None:
    for host in ("localhost", "LocalHost.", "127.0.0.1", "10.0.0.1", "::1", "fe80::1"):
        assert config_name(host) is None
    assert config_name("books.example") == "_grpc_config.books.example"


def resolving(endpoint: str) -> VirtualChannel:
    factory = dns_resolver(service_config=True, interval=30)
    channel = VirtualChannel(resolver=lambda _: factory(ChannelTarget("dns", endpoint, endpoint)))
    channel.connect()
    channel.settle()
    return channel


def found(*hosts: str) -> list[Any]:
    return [(socket.AF_INET, 1, 6, "", (host, 1)) for host in hosts]


def answer(channel: VirtualChannel, result: Any) -> Any:
    """The lookup that is under way ends. Returns what was asked."""
    ((lookup, done),) = channel.lookups
    channel.lookups.clear()
    done(result)
    channel.settle()
    return lookup.args


@pytest.mark.rule(104)
@pytest.mark.parametrize("name", ["localhost:1", "127.0.0.1:1", "[::1]:1"])
def test_r104_nothing_is_asked_about_them(name: str) -> None:
    channel = resolving(name)
    if name.startswith("localhost"):
        assert answer(channel, found("10.0.0.1")) == ("localhost", 1)
    assert not channel.lookups
    assert len(channel.dialing) == 1


@pytest.mark.rule(86)
def test_r86_the_config_of_a_name_counts() -> None:
    channel = resolving("books:1")
    assert answer(channel, found("10.0.0.1", "10.0.0.2")) == ("books", 1)
    assert channel.dialing == []  # the config may name the balancer
    assert answer(channel, [record(choice("round_robin"))]) == ("_grpc_config.books",)
    assert channel.dialing == ["10.0.0.1:1", "10.0.0.2:1"]


def again(channel: VirtualChannel, result: Any) -> None:
    """The name is looked up once more, with this about its config."""
    channel.advance(40)
    channel.request_resolution()
    channel.advance(1)
    answer(channel, found("10.0.0.1"))
    answer(channel, result)


@pytest.mark.rule(85)
def test_r85_the_last_good_one_stays() -> None:
    channel = resolving("books:1")
    answer(channel, found("10.0.0.1"))
    answer(channel, [record({"serviceConfig": {"healthCheckConfig": {"serviceName": "good"}}})])
    channel.accept("10.0.0.1:1")
    assert channel.health_check_service == "good"
    for bad in (OSError("no answer within 5 s"), [b"grpc_config=nonsense"]):
        again(channel, bad)
        assert channel.health_check_service == "good"
        assert channel.state is State.READY
    again(channel, [])  # it has been taken away
    assert channel.health_check_service is None


@pytest.mark.rule(85)
def test_r85_without_a_good_one_before_calls_say_what_is_wrong() -> None:
    channel = resolving("books:1")
    answer(channel, found("10.0.0.1"))
    answer(channel, [b"grpc_config=nonsense"])
    status = channel.call().status
    assert status is not None
    assert "the TXT record of _grpc_config.books: the service config is not JSON" in status.message


def test_a_lookup_that_fails_at_first_is_as_good_as_no_config() -> None:
    channel = resolving("books:1")
    answer(channel, found("10.0.0.1"))
    answer(channel, OSError("no answer"))
    assert channel.dialing == ["10.0.0.1:1"]


def test_addresses_that_cannot_be_read_are_a_failed_lookup() -> None:
    """As Python's without IPv6 has them: a number, and bytes."""
    channel = resolving("books:1")
    answer(channel, [(10, 1, 6, "", (10, b"\0\0"))])
    assert channel.state is State.TRANSIENT_FAILURE
    channel.advance(2)
    answer(channel, found("10.0.0.1"))  # it has tried again


def test_a_channel_that_goes_idle_meanwhile_asks_no_further() -> None:
    channel = resolving("books:1")
    channel.enter_idle()
    answer(channel, found("10.0.0.1"))
    assert not channel.lookups


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dns.resolver", None)
    with pytest.raises(RpcConfigurationError, match=r"pip install 'barewire\[dns\]'"):
        rpc.Channel("books:1", service_config_from_dns=True)
    rpc.Channel("books:1")
    # Nothing is ever going to be asked:
    rpc.Channel("books:1", service_config_from_dns=True, service_config_from_resolver=False)
    rpc.Channel("unix:/x", service_config_from_dns=True)


# -- a real DNS server --------------------------------------------------------------------------------------------


class Dns:
    """dnsmasq on a port of its own, and dnspython told to ask it."""

    def __init__(self, program: str, folder: Path, resolvers: list[Any]) -> None:
        self._program = program
        self._config = folder / "dnsmasq.conf"
        self._resolvers = resolvers
        self._process: subprocess.Popen[bytes] | None = None

    def serve(self, **texts: bytes) -> None:
        """Have it know these TXT records, by the part of the name before books.test."""
        self.close()
        lines = ["local=/test/"]
        for name, text in texts.items():  # a line of the file has 1024 bytes at most
            # A string has 255 bytes at most (RFC 1035), so longer records have several.
            parts = [text[start : start + 200].decode() for start in range(0, len(text), 200)]
            quoted = ",".join('"' + part.replace('"', '\\"') + '"' for part in parts)
            lines.append(f"txt-record={name}.books.test,{quoted}")
        self._config.write_text("\n".join(lines) + "\n")
        while not self._start():
            pass

    def _start(self) -> bool:
        """Whether it listens. It does not where somebody has the same port of UDP."""
        with reserved_port() as port:
            options = (
                f"keep-in-foreground no-resolv no-hosts bind-interfaces port={port} listen-address=127.0.0.1"
            )
            command = [
                f"--{option}"
                for option in [*options.split(), f"conf-file={self._config}", "pid-file=", "user="]
            ]
            process = self._process = subprocess.Popen([self._program, *command], stderr=subprocess.PIPE)
            eventually(lambda: process.poll() is not None or _listens(port))
        if process.poll() is not None:
            self._process, said = None, process.communicate()[1].decode()
            assert "Address already in use" in said, said
            return False
        for resolver in self._resolvers:
            resolver.port = port
        return True

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def dns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Dns]:
    program = shutil.which("dnsmasq", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if program is None:
        missing("dnsmasq is not installed (Debian: apt-get install dnsmasq-base)")
    resolvers: list[Any] = []
    for module in (dns_blocking, dns_asyncio):
        resolver = module.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        monkeypatch.setattr(module, "default_resolver", resolver)
        resolvers.append(resolver)
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == "books.test" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    server = Dns(program, tmp_path, resolvers)
    yield server
    server.close()


@pytest.fixture(params=["aio", "sync"])
def client(request: pytest.FixtureRequest) -> Generator[Make]:
    with clients(request.param) as make:
        yield make


@pytest.mark.rule(85)
def test_r85_a_config_comes_from_dns(client: Make, dns: Dns) -> None:
    """It says that methods take 1 byte: the call fails by the config, and works without."""
    small = {"methodConfig": [{"name": [{}], "maxResponseMessageBytes": 1}]}
    padding = {"serviceConfig": {}, "clientHostname": ["x" * 50] * 9}  # makes it several strings, and TCP
    dns.serve(_grpc_config=record(padding, {"serviceConfig": small, "clientHostname": [platform.node()]}))
    with closing(ServerThread(named("a long name"))) as (server,):
        target = f"dns:///books.test:{server.port}"
        error = client(target, service_config_from_dns=True).failure()
        assert error.code is rpc.StatusCode.RESOURCE_EXHAUSTED
        assert "over the service config's limit of 1" in error.message
        assert client(target).call() == "a long name"
        dns.serve(unrelated=b"v=spf1 -all")
        assert client(target, service_config_from_dns=True).call() == "a long name"
        dns.serve(_grpc_config=b"something else")
        assert client(target, service_config_from_dns=True).call() == "a long name"
        dns.serve(_grpc_config=b"grpc_config=[{}]")
        message = client(target, service_config_from_dns=True).failure().message
        assert "_grpc_config.books.test: service config: grpc_config[0].serviceConfig is missing" in message


@pytest.mark.rule(104)
def test_r104_localhost_is_not_asked_about(client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """No DNS server is there, and dnspython would not even be called."""
    for module in (dns_blocking, dns_asyncio):
        monkeypatch.setattr(module, "resolve", None)
    with closing(ServerThread(named("a"))) as (server,):
        for host in ("localhost", "127.0.0.1"):
            target = f"dns:///{host}:{server.port}"
            assert client(target, service_config_from_dns=True).call() == "a"
