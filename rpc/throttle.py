"""Retry throttling: a channel whose calls mostly fail stops trying them again (A6, R96)."""

from __future__ import annotations

from .service_config import RetryThrottling

_THOUSANDTHS = (
    1000  # tokens are counted in thousandths: three decimals of the ratio count, and they add up exactly
)


class RetryThrottle:
    """The tokens of one server name. Failures take one, successes give `token_ratio` back; with half of them gone no
    further attempts are made."""

    __slots__ = ("_gain", "_maximum", "_tokens", "config")

    def __init__(self, config: RetryThrottling) -> None:
        self.config = config
        self._maximum = config.max_tokens * _THOUSANDTHS
        self._gain = int(config.token_ratio * _THOUSANDTHS + 1e-6)
        self._tokens = self._maximum

    @property
    def tokens(self) -> float:
        return self._tokens / _THOUSANDTHS

    @property
    def open(self) -> bool:
        """Whether further attempts may be made."""
        return self._tokens > self._maximum // 2

    def failed(self) -> None:
        """An attempt has failed in a way that counts."""
        self._tokens = max(0, self._tokens - _THOUSANDTHS)

    def succeeded(self) -> None:
        """An attempt has ended well."""
        self._tokens = min(self._maximum, self._tokens + self._gain)


def next_throttle(config: RetryThrottling | None, current: RetryThrottle | None) -> RetryThrottle | None:
    """The throttle for a new service config. What has been lost so far stays lost, in proportion."""
    if config is None:
        return None
    if current is None:
        return RetryThrottle(config)
    if current.config == config:
        return current
    throttle = RetryThrottle(config)
    throttle._tokens = throttle._maximum * current._tokens // current._maximum
    return throttle
