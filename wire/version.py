"""The version of barewire: setup.cfg takes it from here. (Asking the installed metadata for it takes 20 ms.)"""

from __future__ import annotations

__version__ = "0.1.0"
