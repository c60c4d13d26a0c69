"""The canonical layout: golden files, and what it must never do to a file: change its meaning, lose a comment, or look
different when it is applied twice.

`BAREWIRE_UPDATE_GOLDEN=1 pytest tests/schema/test_format.py` writes the golden files anew.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from barewire.schema import SchemaError, wkt
from barewire.schema.compile import compile_files
from barewire.schema.errors import Report
from barewire.schema.format import format_bytes, format_text
from barewire.schema.format_doc import WIDTH
from barewire.schema.lexer import tokenize
from barewire.schema.source import Source
from barewire.schema.to_descriptor_proto import file_descriptor_proto
from tests.support.proto_cases import FOLDER, MAIN, cases, sources_of
from tests.support.protoc import BUNDLED

GOLDEN = cases("format")
ROOT = FOLDER.parents[1]
PROTOC_FILES = sorted(BUNDLED.rglob("*.proto"))
OWN_FILES = [*sorted((ROOT / "schema").rglob("*.proto")), *sorted((ROOT / "rpc").rglob("*.proto"))]


def read(path: Path) -> str:
    return path.read_text(errors="surrogateescape")


CASES = {
    f"{path.parent.name}/{path.name}/{name}": (name, sources_of(path))
    for path in cases("valid")
    for name in sources_of(path)
}
# googleapis-common-protos, where it is installed
SITE = BUNDLED.parents[1]
GOOGLE_FILES = sorted((SITE / "google").rglob("*.proto"))
INCLUDE = [BUNDLED, SITE, ROOT / "rpc" / "services" / "protos"]
WHOLE_FILES = {
    str(path.relative_to(path.parents[3])): path for path in (*PROTOC_FILES, *OWN_FILES, *GOOGLE_FILES)
}


def meaning(name: str, sources: dict[str, str]) -> bytes:
    """The descriptor of a file; imports are sorted by formatting, so their order is left out."""
    (file,) = compile_files([name], sources=sources, include=INCLUDE)
    proto: Any = file_descriptor_proto(file)
    order = list(proto.dependency)
    public = sorted(order[index] for index in proto.public_dependency)
    weak = sorted(order[index] for index in proto.weak_dependency)
    proto.dependency = sorted(order)
    proto.public_dependency = [proto.dependency.index(name) for name in public]
    proto.weak_dependency = [proto.dependency.index(name) for name in weak]
    proto.option_dependency = sorted(proto.option_dependency)
    return proto.encode()


def check(text: str) -> str:
    formatted = format_text(text)
    assert format_text(formatted) == formatted
    assert not any(line.endswith((" ", "\t")) for line in formatted.split("\n"))
    assert "\n\n\n" not in formatted or "/*" in formatted
    return formatted


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_layout(path: Path) -> None:
    formatted = check(path.read_text())
    golden = path.with_suffix(".txt")
    if os.environ.get("BAREWIRE_UPDATE_GOLDEN"):
        golden.write_text(formatted)
    assert formatted == golden.read_text()


@pytest.mark.parametrize("case", CASES)
def test_meaning_is_kept(case: str) -> None:
    name, sources = CASES[case]
    formatted = check(sources[name])
    assert meaning(name, {**sources, name: formatted}) == meaning(name, sources)


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_real_files(name: str) -> None:
    text = read(WHOLE_FILES[name])
    formatted = check(text)
    assert meaning(MAIN, {MAIN: formatted}) == meaning(MAIN, {MAIN: text})


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_comments_stay_with_what_they_are_about(name: str) -> None:
    text = read(WHOLE_FILES[name])
    assert comments_by_path(format_text(text)) == comments_by_path(text)


def comments_by_path(text: str) -> Counter[tuple[object, ...]]:
    """How often each comment stands where, in the terms of protoc's source info: leading, trailing, detached."""
    (file,) = compile_files([MAIN], sources={MAIN: text}, include=INCLUDE, source_info=True)
    found: Counter[tuple[object, ...]] = Counter()
    for location in wkt.SourceCodeInfo.decode(file.source_info or b"").location:
        path = tuple(location.path)
        if path[:1] == (3,):  # an import: sorted
            path = (3,)
        found[path, location.leading_comments, location.trailing_comments] += 1
        found.update((path, comment) for comment in location.leading_detached_comments)
    return found


GAPS = (
    " ", "\n", "\n\n", "\t", "\r\n", "/**/", " // eol\n", "\n// own\n", "\n// own\n\n", "\n\n// apart\n\n",
    " /* in */ ", "\n/* a\n * b\n */\n", " /* a\n  b */ ", "\n// one\n// two\n\n// three\n", " /* x */ // y\n", "\n;\n",
)  # fmt: skip


def scattered(text: str, seed: int, often: float) -> str:
    """The same tokens with other white space and comments between them."""
    choose = random.Random(seed)
    _, tokens, _ = tokenize(Source(MAIN, text), Report())
    pieces: list[str] = []
    for at, token in enumerate(tokens):
        gap = choose.choice(GAPS) if choose.random() < often else " "
        if ";" in gap and (at == 0 or tokens[at - 1] != ";"):  # a `;` may stand between statements only
            gap = "\n"
        pieces += [gap, token]
    return "".join(pieces)


SINGLE = sorted(case for case, (_, sources) in CASES.items() if len(sources) == 1)


@settings(max_examples=150, deadline=None)
@given(case=st.sampled_from(SINGLE), seed=st.integers(0, 2**32), often=st.sampled_from((0.05, 0.3, 1)))
def test_any_white_space_and_comments(case: str, seed: int, often: float) -> None:
    name, sources = CASES[case]
    text = scattered(sources[name], seed, often)
    try:
        meant = meaning(name, {name: text})
    except SchemaError:  # a `;` went between the fields of a value
        reject()
    formatted = check(text)
    assert meaning(name, {name: formatted}) == meant
    for comment in ("// eol", "// own", "/* in */", "/**/", "// three"):
        assert formatted.count(comment) == text.count(comment)


@settings(max_examples=200, deadline=None)
@given(
    case=st.sampled_from(SINGLE),
    cut=st.tuples(st.integers(0, 2000), st.integers(0, 30)),
    put=st.sampled_from(
        ["", "{", "}", "[", ";", "/*", '"', "option x = {", "<", ".", "\x00", "\udcff", "é", "-"]
    ),
)
def test_mutated_files_are_formatted_or_refused(case: str, cut: tuple[int, int], put: str) -> None:
    name, sources = CASES[case]
    text = sources[name]
    at = cut[0] % (len(text) + 1)
    with suppress(SchemaError):
        check(text[:at] + put + text[at + cut[1] :])


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab.;{}[]<>()=,:/*-\"'\n \t01", max_size=60))
def test_any_text_is_formatted_or_refused(text: str) -> None:
    with suppress(SchemaError):
        check(text)


def test_refused_with_diagnostics() -> None:
    with pytest.raises(SchemaError, match=r"a\.proto:1:18: error: expected"):
        format_text("message A { enum }", "a.proto")


def test_bytes_that_are_not_utf8_stay() -> None:
    assert format_bytes(b"\xef\xbb\xbf//\xff \r\n", "x.proto") == b"//\xff\n"


def test_nothing() -> None:
    assert format_text("") == format_text(" \n\n") == format_text(";;\n;") == ""


def test_long_lines_are_broken_where_they_can_be() -> None:
    names = ", ".join(f'"name_{n}"' for n in range(60))
    options = ", ".join(f"(opt_{n}) = {n}" for n in range(20))
    text = f"message M {{ reserved {names}; optional int32 x = 1 [{options}]; }}"
    assert max(map(len, check(text).splitlines())) <= WIDTH


def test_deep_values_need_no_deep_stack() -> None:
    check("option (x) = " + "{ a: " * 90 + "{}" + "}" * 90 + ";")
