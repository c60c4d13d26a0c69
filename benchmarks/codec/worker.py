"""One contender in one process: `python -m codec.worker NAME`.

Each line on standard input is a JSON list, [shape, operation, milliseconds]; the answer is how many nanoseconds one
operation took in a block of about that many milliseconds; for the operation CHECKSUM, what the encoded message sums up
to. The first line out is the contender's version.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import zlib
from timeit import Timer
from typing import Any

from .contender import Contender
from .shapes import PROTO2, SHAPES, Shape, nest

OPERATIONS = ("encode", "decode", "decode, read all", "construct, encode")
CHECKSUM = "checksum"


class Bench:
    """The timers of one contender, made when they are first asked for."""

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._classes = contender.classes()
        self._shapes = {shape.name: shape for shape in (*SHAPES, PROTO2)}
        self._timers: dict[tuple[str, str], tuple[Timer, float]] = {}

    def _source(self, text: str) -> str:
        return text.replace("EXTENSIONS", self._contender.extensions)

    def _make(self, shape: Shape) -> str:
        return f"m = {shape.construct}\n{self._source(shape.then)}"

    def _timer(self, shape: Shape, operation: str) -> Timer:
        names: dict[str, Any] = {**self._classes, "nest": nest, **shape.values}
        make, encode = self._make(shape), self._contender.encode
        decode = self._contender.decode.format(shape.message)
        exec(
            f"{make}\nencoded_ = {encode}\ndata = encoded_\nmessage_ = {decode}\nm = message_\nagain_ = {encode}",
            names,
        )
        # Every decoded message must encode to what it came from; a map may change its order.
        assert sorted(names["again_"]) == sorted(names["encoded_"]), (
            f"{shape.name} does not survive a round trip"
        )
        statement = {
            "encode": encode,
            "decode": decode,
            "decode, read all": f"m = {decode}\n{self._source(shape.read)}",
            "construct, encode": f"{make}\n{encode}",
        }[operation]
        # timeit runs the statement in a function of its own: `m` and `data` are made local there, as in a program.
        # It turns garbage collection off; a program has it on.
        return Timer(
            statement,
            "enable_gc_(); m = message_; data = encoded_",
            globals={**names, "enable_gc_": gc.enable},
        )

    def checksum(self, shape: str) -> int:
        """The same for all contenders that encode the same values; the order of a map does not count."""
        names: dict[str, Any] = {**self._classes, "nest": nest, **self._shapes[shape].values}
        exec(f"{self._make(self._shapes[shape])}\nencoded_ = {self._contender.encode}", names)
        return zlib.crc32(bytes(sorted(names["encoded_"])))

    def time(self, shape: str, operation: str, milliseconds: float) -> float:
        """Nanoseconds for one operation."""
        if (shape, operation) not in self._timers:
            timer = self._timer(self._shapes[shape], operation)
            timer.timeit(1)
            loops, seconds = timer.autorange()
            self._timers[shape, operation] = timer, seconds / loops
            gc.collect()
            gc.freeze()
        timer, estimate = self._timers[shape, operation]
        loops = max(1, int(milliseconds / 1000 / estimate))
        return timer.timeit(loops) / loops * 1e9


def main() -> None:
    contender: Contender = importlib.import_module(f"codec.{sys.argv[1]}").CONTENDER
    bench = Bench(contender)
    print(json.dumps(contender.version()), flush=True)
    for line in sys.stdin:
        shape, operation, milliseconds = json.loads(line)
        answer = (
            bench.checksum(shape) if operation == CHECKSUM else bench.time(shape, operation, milliseconds)
        )
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
