"""One contender in one process: `python -m calls.worker NAME serve|TARGET`.

`serve` prints the version, then the port. With a target it is a client: it prints the version, and then for each
line of JSON on standard input, ["unary", in_flight, calls] or ["stream", calls], "done" when they are done.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading


def main(name: str, what: str) -> None:
    contender = importlib.import_module(f"calls.{name}")
    print(contender.version(), flush=True)
    if what == "serve":
        # Ends when whoever started it goes away.
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        contender.serve()
        return
    driver = contender.connect(what)
    for line in sys.stdin:
        shape, *arguments = json.loads(line)
        getattr(driver, shape)(*arguments)
        print("done", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
