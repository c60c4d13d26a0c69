"""Servers of which one fails its calls: real ones, ours and grpcio's, in both shells."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from barewire import rpc
from tests.support.rpc_balanced import QUICK, GrpcioServer, Make, clients, closing, named
from tests.support.rpc_blocking import ServerThread


@pytest.fixture(params=["aio", "sync"])
def client(request: pytest.FixtureRequest) -> Generator[Make]:
    with clients(request.param) as make:
        yield make


OUTLIERS = {
    "interval": "0.02s",
    "baseEjectionTime": "0.1s",
    "maxEjectionTime": "0.3s",
    "maxEjectionPercent": 34,
    "failurePercentageEjection": {"threshold": 50, "minimumHosts": 1, "requestVolume": 1},
    "childPolicy": [{"round_robin": {}}],
}


def test_the_one_that_fails_is_taken_out_and_comes_back(client: Make) -> None:
    """Calls go in turn: four that reach two servers alone mean that the third is out."""
    config = {"loadBalancingConfig": [{"outlier_detection": OUTLIERS}]}
    with closing(ServerThread(named("a")), ServerThread(named("b")), GrpcioServer("c")) as servers:
        addresses = ",".join(server.target for server in servers)
        ours = client(f"ipv4:{addresses}", service_config=config, backoff=QUICK)
        ours.reaches("a", "b", "c")
        servers[2].broken = True
        with pytest.raises(rpc.RpcError, match="broken"):
            ours.calls(3)
        ours.reaches("a", "b")
        servers[2].broken = False
        ours.reaches("a", "b", "c")
        assert ours.calls(30) == {"a": 10, "b": 10, "c": 10}


@pytest.mark.rule(97)
def test_r97_a_retry_goes_to_another_server(client: Make) -> None:
    """By turns alone, calls that run at the same time would meet the bad one twice."""
    policy: dict[str, Any] = {
        "maxAttempts": 2,
        "initialBackoff": "0.001s",
        "maxBackoff": "0.001s",
        "backoffMultiplier": 1,
        "retryableStatusCodes": ["INTERNAL"],
    }
    config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
    with closing(ServerThread(named("a")), GrpcioServer("b")) as (good, bad):
        target = f"ipv4:{good.target},{bad.target}"
        ours = client(target, service_config=config, load_balancing="round_robin", backoff=QUICK)
        ours.reaches("a", "b")
        bad.broken = True
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: ours.call(), range(64)))
        assert answers == ["a"] * 64
