"""`python -m barewire.cli` is the `barewire` command."""

import sys

from .main import main

sys.exit(main())
