"""The version of barewire, and how it names itself to peers (R21)."""

from __future__ import annotations

from importlib import metadata


def _installed_version() -> str:
    try:
        return metadata.version("barewire")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "0"


__version__ = _installed_version()
USER_AGENT = f"grpc-python-barewire/{__version__}"
