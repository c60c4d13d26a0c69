"""Service configs in DNS: what the TXT records of a name say, and to whom (A2).

A record is the text `grpc_config=` and a JSON list of choices, of which the first that fits a client is its config:

    [{"clientLanguage": ["python"], "percentage": 10, "clientHostname": ["web-1"], "serviceConfig": {…}}]
"""

from __future__ import annotations

from collections.abc import Iterable

from .json_fields import Json, JsonObject, field_error, load_json, read_array, read_string
from .service_config import ServiceConfig
from .service_config_json import read_service_config
from .target import numeric_version

_ATTRIBUTE = b"grpc_config="
_LANGUAGE = "python"
_FIELDS = {"clientLanguage", "percentage", "clientHostname", "serviceConfig"}


def config_name(host: str) -> str | None:
    """The name whose TXT records have the config for a host. None for what is no name of its own in DNS: an IP address
    or localhost (A10, R104)."""
    if numeric_version(host) is not None or host.rstrip(".").lower() == "localhost":
        return None
    return f"_grpc_config.{host}"


def read_config_records(records: Iterable[bytes], hostname: str, percentile: int) -> ServiceConfig | None:
    """The config for this client, None if there is none for it.

    `records` are whole TXT records, their strings joined. `hostname` is that of this machine, `percentile` (0 to 99)
    this client's own. Raises RpcConfigurationError if anything about a config is wrong, for other clients too: then
    no choice of it counts.
    """
    for record in records:
        if record.startswith(_ATTRIBUTE):
            choices = read_array(load_json(record.removeprefix(_ATTRIBUTE)), "grpc_config")
            found = [_choice(each, f"grpc_config[{index}]") for index, each in enumerate(choices)]
            return next((each.config for each in found if each.fits(hostname, percentile)), None)
    return None


class _Choice:
    def __init__(
        self, config: ServiceConfig, languages: list[str], percentage: int, hostnames: list[str]
    ) -> None:
        self.config = config
        self._languages = languages
        self._percentage = percentage
        self._hostnames = hostnames

    def fits(self, hostname: str, percentile: int) -> bool:
        """Whether it is for this client. What a choice does not mention fits everybody."""
        return (
            (not self._languages or _LANGUAGE in self._languages)
            and (not self._hostnames or hostname in self._hostnames)
            and percentile < self._percentage
        )


def _choice(value: Json, path: str) -> _Choice:
    entry = JsonObject(value, path)
    for name in entry.members:
        if name not in _FIELDS:
            raise field_error(entry.at(name), "is not known, so that none of the choices counts")
    config = read_service_config(entry.require("serviceConfig", _object))
    languages = [each.lower() for each in entry.get("clientLanguage", _strings) or ()]
    percentage = entry.get("percentage", _percentage)
    return _Choice(
        config,
        languages,
        100 if percentage is None else percentage,
        entry.get("clientHostname", _strings) or [],
    )


def _object(value: Json, path: str) -> Json:
    return JsonObject(value, path).members


def _strings(value: Json, path: str) -> list[str]:
    return [read_string(each, f"{path}[{index}]") for index, each in enumerate(read_array(value, path))]


def _percentage(value: Json, path: str) -> int:
    if type(value) is not int or not 0 <= value <= 100:
        raise field_error(path, f"has to be a whole number from 0 to 100, and is {value!r:.60}")
    return value
