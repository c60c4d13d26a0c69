"""One case per rule about changes: OLD, a line `// ==== new ====`, and NEW; the findings are golden files.

`BAREWIRE_UPDATE_GOLDEN=1 pytest tests/schema/test_breaking.py` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from barewire.schema import SchemaError, wkt
from barewire.schema.breaking import CATEGORIES, RULES, Checked, check_files, compare, open_checked
from barewire.schema.compile import compile_files
from barewire.schema.findings import as_text
from barewire.schema.to_descriptor_proto import file_descriptor_proto
from tests.support.proto_cases import MAIN, cases, sources_of
from tests.support.protoc import protoc, protoc_sources

CASES = cases("breaking")


def versions(path: Path) -> tuple[str, str]:
    old, _, new = path.read_text().partition("// ==== new ====\n")
    return old, new


def checked(text: str, **others: str) -> Checked:
    return check_files(
        [MAIN], sources={MAIN: text, **{f"{name}.proto": text for name, text in others.items()}}
    )


def proto3(text: str) -> Checked:
    return checked(f'syntax = "proto3"; {text}')


def rules_of(old: Checked, new: Checked) -> list[str]:
    return [finding.rule for finding in compare(old, new)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_findings(path: Path) -> None:
    old, new = map(checked, versions(path))
    findings = compare(old, new, categories=CATEGORIES)
    assert path.stem in {finding.rule for finding in findings}
    golden = path.with_suffix(".txt")
    report = as_text(findings) + "\n"
    if os.environ.get("BAREWIRE_UPDATE_GOLDEN"):
        golden.write_text(report)
    assert report == golden.read_text()


def test_every_rule_has_a_case_and_a_reason() -> None:
    assert {path.stem for path in CASES} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.reason.endswith(".") for rule in RULES)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_nothing_breaks_between_a_schema_and_itself(path: Path) -> None:
    for text in versions(path):
        assert protoc_sources(MAIN, {MAIN: text}).error == ""
        assert compare(checked(text), checked(text), categories=CATEGORIES) == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_descriptor_sets_give_the_same_findings(path: Path, tmp_path: Path) -> None:
    """They only lack lines."""
    sets: list[Checked] = []
    for side, text in zip(("old", "new"), versions(path), strict=True):
        (tmp_path / f"{side}.binpb").write_bytes(protoc_sources(MAIN, {MAIN: text}).data)
        sets.append(open_checked(tmp_path / f"{side}.binpb"))
    old, new = map(checked, versions(path))
    by_text = [(f.rule, f.message) for f in compare(old, new, categories=CATEGORIES)]
    assert sorted((f.rule, f.message) for f in compare(*sets, categories=CATEGORIES)) == sorted(by_text)


@pytest.mark.parametrize(
    "change",
    [
        ("message M { int32 x = 1; }", "message M { int32 x = 1; string more = 2; }"),
        ("message M { int32 x = 1; }", 'message M { reserved 1; reserved "x"; }'),
        ("message M { string x = 1; }", "message M { oneof o { string x = 1; } }"),
        ("message M { oneof o { int32 x = 1; int32 y = 2; } }", "message M { oneof p { int32 x = 1; int32 y = 2; } }"),
        ("message M { oneof o { int32 x = 1; } }", "message M { oneof o { int32 x = 1; int32 y = 2; } }"),
        ("message M { repeated int32 x = 1; }", "message M { repeated int32 x = 1 [packed = false]; }"),
        ("enum E { Z = 0; }", "enum E { Z = 0; A = 1; }"),
        ("message M {} service S {}", "message M {} service S { rpc Do(M) returns (M); }"),
        ("message M { sint32 x = 1; }", "message M { sint32 x = 1 [deprecated = true]; }"),
    ],
)  # fmt: skip
def test_safe_changes(change: tuple[str, str]) -> None:
    assert compare(*map(proto3, change)) == []


def test_any_two_schemas_can_be_compared() -> None:
    schemas = [check_files([MAIN], sources=sources_of(path)) for path in cases("valid")[::9]]
    for old in schemas:
        for new in schemas:
            findings = compare(old, new, categories=CATEGORIES)
            assert as_text(findings).count("\n  help: ") == len(findings)
            assert not (old is new and findings)


def test_what_moves_to_another_file_is_not_gone() -> None:
    old = checked('syntax = "proto3"; package p; message A { B b = 1; } message B {}')
    new = checked(
        'syntax = "proto3"; package p; import "b.proto"; message A { B b = 1; }',
        b='syntax = "proto3"; package p; message B {}',
    )
    assert compare(old, new, categories=CATEGORIES) == []


def test_imported_files_are_compared_too() -> None:
    text = 'syntax = "proto3"; import "b.proto"; message A { B b = 1; }'
    old = checked(text, b='syntax = "proto3"; message B { int32 x = 1; }')
    new = checked(text, b='syntax = "proto3"; message B { string x = 1; }')
    assert [f.where.file for f in compare(old, new)] == ["b.proto"]
    # but what is no longer imported is not gone: somebody else may own it
    assert compare(old, proto3("message A { optional bytes b = 1; }"), categories=["wire"]) == []


def test_a_type_replaced_by_one_that_reads_the_same() -> None:
    common = "message A { A next = 1; E e = 2; } enum E { Z = 0; }"
    copy = "message B { B next = 1; F e = 2; } enum F { Y = 0; }"
    old = proto3(common + copy + "message M { A a = 1; map<string, A> m = 2; }")
    new = proto3(common + copy + "message M { B a = 1; map<string, B> m = 2; }")
    assert [(f.rule, f.categories) for f in compare(old, new)] == [
        ("field-type", ("json",))
    ] * 2  # Z is not Y
    assert "Z (0) is called 'Y' now" in compare(old, new)[0].message


def test_well_known_types_have_a_json_of_their_own() -> None:
    own = 'import "google/protobuf/timestamp.proto"; message T { int64 seconds = 1; int32 nanos = 2; }'
    old = proto3(own + "message M { google.protobuf.Timestamp t = 1; }")
    new = proto3(own + "message M { T t = 1; }")
    assert [f.categories for f in compare(old, new)] == [("json",)]


def test_a_map_is_a_repeated_entry_on_the_wire() -> None:
    old = proto3("message M { map<string, int32> x = 1; }")
    new = proto3(
        "message M { repeated E x = 1; } message E { optional string key = 1; optional int32 value = 2; }"
    )
    assert [f.categories for f in compare(old, new)] == [("json",)]


def test_groups_are_framed_in_another_way() -> None:
    old = checked('syntax = "proto2"; message M { optional group G = 1 { optional int32 x = 1; } }')
    new = checked('syntax = "proto2"; message M { message G { optional int32 x = 1; } optional G g = 1; }')
    assert [(f.rule, f.categories) for f in compare(old, new)] == [("field-type", ("wire",))]


def test_rules_can_be_passed_over() -> None:
    old, new = proto3("message M { int32 x = 1; }"), proto3("message M {}")
    assert rules_of(old, new) == ["field-removed-name", "field-removed-number"]
    assert [f.rule for f in compare(old, new, ignore=["field-removed-name"])] == ["field-removed-number"]


def test_a_long_chain_of_replaced_types_needs_no_deep_stack() -> None:
    count = 3000

    def chain(name: str) -> str:
        links = (f"message {name}{n} {{ {name}{n + 1} next = 1; }}" for n in range(count))
        return "".join(links) + f"message {name}{count} {{}}"

    both = chain("A") + chain("B")
    difference = compare(proto3(both + "message M { A0 a = 1; }"), proto3(both + "message M { B0 a = 1; }"))
    assert difference == []


def test_folders_and_single_files(tmp_path: Path) -> None:
    for side, number in (("old", 1), ("new", 2)):
        folder = tmp_path / side / "shop"
        folder.mkdir(parents=True)
        (folder / "book.proto").write_text(f'syntax = "proto3"; message Book {{ string id = {number}; }}')
        (folder / "cart.proto").write_text(
            'syntax = "proto3"; import "shop/book.proto"; message Cart { Book b = 1; }'
        )
    folders = open_checked(tmp_path / "old"), open_checked(tmp_path / "new")
    assert rules_of(*folders) == ["field-number-changed"]
    inside = (open_checked(tmp_path / side / "shop", [tmp_path / side]) for side in ("old", "new"))
    assert rules_of(*inside) == ["field-number-changed"]
    old = open_checked(tmp_path / "old" / "shop" / "cart.proto", [tmp_path / "old"])
    new = open_checked(tmp_path / "new" / "shop" / "cart.proto", [tmp_path / "new"])
    (finding,) = compare(old, new)
    assert str(finding.where) == f"{tmp_path}/new/shop/book.proto:1:42"


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no.proto", tmp_path / "no.binpb"):
        with pytest.raises(SchemaError):
            open_checked(path)
    (tmp_path / "junk.binpb").write_bytes(b"\xff\xff")
    with pytest.raises(SchemaError, match="no descriptor set"):
        open_checked(tmp_path / "junk.binpb")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_sets_with_source_info_have_the_same_places(path: Path, tmp_path: Path) -> None:
    sets: list[Checked] = []
    for side, text in zip(("old", "new"), versions(path), strict=True):
        (file,) = compile_files([MAIN], sources={MAIN: text}, source_info=True)
        proto: Any = file_descriptor_proto(file, source_info=True)
        (tmp_path / f"{side}.binpb").write_bytes(wkt.FileDescriptorSet(file=[proto]).encode())
        sets.append(open_checked(tmp_path / f"{side}.binpb"))
    assert as_text(compare(*sets, categories=CATEGORIES)) + "\n" == path.with_suffix(".txt").read_text()


def test_a_set_with_imports_from_protoc(tmp_path: Path) -> None:
    (tmp_path / "a.proto").write_text(
        'syntax = "proto3"; import "google/protobuf/any.proto"; message A { google.protobuf.Any x = 1; }'
    )
    (tmp_path / "a.binpb").write_bytes(protoc(["a.proto"], [tmp_path]).data)
    assert (
        compare(open_checked(tmp_path / "a.binpb"), open_checked(tmp_path / "a.proto"), categories=CATEGORIES)
        == []
    )
