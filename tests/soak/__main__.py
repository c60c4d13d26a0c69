"""`python -m tests.soak --minutes 10`: exits 1 if anything was wrong."""

from __future__ import annotations

import argparse
import sys

from tests.soak.run import run

parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
parser.add_argument("--minutes", type=float, default=10)
parser.add_argument("--callers", type=int, default=200)
arguments = parser.parse_args()
report = run(arguments.minutes * 60, arguments.callers, lambda line: print(line, flush=True))
sys.exit(1 if report.complaints or report.surprises else 0)
