"""Cases for the compiler: folders of `.proto` files, each named after the rule that it shows.

A case may hold several files: a line `// file: name.proto` starts the next. The first is called case.proto.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "schema"
MAIN = "case.proto"


def cases(folder: str) -> list[Path]:
    return sorted((FOLDER / folder).glob("*.proto"))


def sources_of(path: Path) -> dict[str, str]:
    text = path.read_bytes().decode("utf-8", "surrogateescape")  # line ends as they are
    first, *rest = re.split(r"^// file: (\S+)\n", text, flags=re.MULTILINE)
    return {MAIN: first, **dict(zip(rest[::2], rest[1::2], strict=True))}
