"""One case per rule; the findings of the default rules and of this one are golden files.

`BAREWIRE_UPDATE_GOLDEN=1 pytest tests/schema/test_lint.py` writes them anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from barewire.schema import SchemaError
from barewire.schema.findings import as_text
from barewire.schema.lint import DEFAULT_RULES, RULES, check_files, lint, open_checked
from barewire.schema.lint_names import upper_snake
from tests.support.proto_cases import MAIN, cases, sources_of
from tests.support.protoc import protoc_sources

CASES = cases("lint")


def rules_of(text: str) -> list[str]:
    return [finding.rule for finding in lint(check_files([MAIN], sources={MAIN: text}))]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_findings(path: Path) -> None:
    sources = sources_of(path)
    named = re.match(r"// name: (\S+)", sources[MAIN])
    name = named[1] if named else MAIN
    sources = {name: sources.pop(MAIN), **sources}
    assert protoc_sources(name, sources).error == ""
    findings = lint(check_files([name], sources=sources), rules={*DEFAULT_RULES, path.stem})
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


def test_a_comment_switches_rules_off_for_what_is_inside() -> None:
    enum = 'syntax = "proto3"; package p;\n{} enum E {{ // x\n A = 0; }} enum F {{ B = 0; }}'
    both = ["enum-value-prefix", "enum-zero"]
    assert rules_of(enum.format("")) == both * 2
    assert rules_of(enum.format("// barewire:lint-ignore enum-zero\n")).count("enum-zero") == 1
    assert rules_of(enum.format("/* barewire:lint-ignore enum-zero enum-value-prefix */\n")) == both
    assert rules_of(enum.format("// barewire:lint-ignore-file enum-zero, enum-value-prefix\n")) == []
    behind = enum.replace("// x", "// barewire:lint-ignore enum-zero")
    assert rules_of(behind.format("")).count("enum-zero") == 1


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("Color", "COLOR"), ("OrderStatus", "ORDER_STATUS"), ("HTTPStatus", "HTTP_STATUS"), ("Md5Sum", "MD5_SUM"),
     ("V1", "V1"), ("A", "A"), ("ABTest", "AB_TEST"), ("snake_case", "SNAKE_CASE"), ("Http2Code", "HTTP2_CODE")],
)  # fmt: skip
def test_prefixes(name: str, prefix: str) -> None:
    assert upper_snake(name) == prefix


def test_folders_and_sets(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.proto").write_text('syntax = "proto3"; package a;')
    assert lint(open_checked(tmp_path), rules=["package-folder"]) == []
    assert [f.rule for f in lint(open_checked(tmp_path / "a"), rules=["package-folder"])] == [
        "package-folder"
    ]
    assert lint(open_checked(tmp_path / "a", [tmp_path]), rules=["package-folder"]) == []
    (tmp_path / "x.binpb").write_bytes(protoc_sources("a.proto", {"a.proto": 'syntax = "proto3";'}).data)
    with pytest.raises(SchemaError, match="not at descriptor sets"):
        lint(open_checked(tmp_path / "x.binpb"))


def test_the_project_keeps_its_own_rules() -> None:
    root = Path(__file__).resolve().parents[2]
    for folder in ("examples", "rpc/services/protos", "schema/wkt"):
        rules = DEFAULT_RULES - (
            {"enum-zero", "enum-value-prefix"} if "wkt" in folder or "rpc" in folder else set()
        )
        findings = lint(open_checked(root / folder), rules=rules)
        assert [str(f) for f in findings if "descriptor.proto" not in f.where.file] == []
