"""random_subsetting: this client uses a few of the endpoints, and other clients use others (A68).

For many clients of many servers, where each with each would be too many connections. Which endpoints are the client's
own is a matter of a random number that it draws once, so that a server which comes or goes changes one of them at most
(rendezvous hashing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from .balancer import BalancerChannel, BalancerFactory, ChosenPolicy, choose_policy
from .graceful_switch import GracefulSwitch
from .json_fields import JsonObject, field_error, read_size
from .resolver import Endpoint
from .service_config_json import read_child_policy


class RandomSubsetting:
    """See the module. Config: `subsetSize`, how many endpoints are used, and `childPolicy`, who balances over these."""

    def __init__(self, channel: BalancerChannel) -> None:
        self._channel = channel
        self._seed = channel.rng.randbytes(8)
        self._switch = GracefulSwitch(channel)

    @staticmethod
    def parse_config(
        config: Mapping[str, Any], path: str, known: Mapping[str, BalancerFactory]
    ) -> tuple[int, ChosenPolicy]:
        fields = JsonObject(config, path)
        size = fields.require("subsetSize", read_size)
        if not size:
            raise field_error(fields.at("subsetSize"), "has to be at least 1, and is 0")
        return size, choose_policy(read_child_policy(fields), known, fields.at("childPolicy"))

    def update(self, endpoints: Sequence[Endpoint], config: tuple[int, ChosenPolicy]) -> None:
        size, (name, factory, child_config) = config
        self._switch.update(name, factory, self._subset(endpoints, size), child_config)

    def _subset(self, endpoints: Sequence[Endpoint], size: int) -> Sequence[Endpoint]:
        usable = [endpoint for endpoint in endpoints if endpoint.addresses]
        return usable if len(usable) <= size else sorted(usable, key=self._rank)[:size]

    def _rank(self, endpoint: Endpoint) -> bytes:
        """A number that is this client's and this endpoint's. (Any uniform hash will do; A68 suggests XXH64.)"""
        return blake2b(str(endpoint.addresses[0]).encode(), key=self._seed, digest_size=8).digest()

    def exit_idle(self) -> None:
        self._switch.exit_idle()

    def close(self) -> None:
        self._switch.close()
