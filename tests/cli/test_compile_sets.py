"""`barewire compile -o`: the bytes that protoc writes, its flags, its rule for make, warnings and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from barewire.cli.main import main
from tests.support.protoc import BUNDLED, run_protoc

SOURCES = {
    "shop/order.proto": """\
// The syntax.
syntax = "proto3";

// Detached.

// The package.
package shop;
import "shop/options.proto";
import "google/protobuf/empty.proto";  // unused
// An order.
message Order { /* trailing */
  option (kept) = "k";
  option (source_only) = "s";
  string id = 1 [(note) = "n", deprecated = true];  // its number
}
""",
    "shop/options.proto": """\
syntax = "proto2";
package shop;
import public "google/protobuf/descriptor.proto";
extend google.protobuf.MessageOptions {
  optional string kept = 50000;
  optional string source_only = 50001 [retention = RETENTION_SOURCE];
}
extend google.protobuf.FieldOptions { optional string note = 50000 [retention = RETENTION_SOURCE]; }
""",
}


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("imports", ["", "--include_imports", "--include-imports"])
@pytest.mark.parametrize("info", ["", "--include_source_info"])
@pytest.mark.parametrize("retain", ["", "--retain_options"])
def test_the_bytes_are_protocs(protos: Path, imports: str, info: str, retain: str) -> None:
    ours, theirs = protos / "ours.pb", protos / "theirs.pb"
    flags = [flag for flag in (imports, info, retain) if flag]
    arguments = [f"--proto_path={protos}", f"-I{BUNDLED}", *flags, "shop/order.proto"]
    assert main(["compile", f"--descriptor_set_out={ours}", *arguments]) == 0
    protoc_arguments = [argument.replace("include-", "include_") for argument in arguments]
    assert run_protoc([f"--descriptor_set_out={theirs}", *protoc_arguments]).status == 0
    assert ours.read_bytes() == theirs.read_bytes()


def test_the_rule_for_make_is_protocs(protos: Path) -> None:
    out, ours, theirs = protos / "out.pb", protos / "ours.d", protos / "theirs.d"
    arguments = [f"-I{protos}", f"-I{BUNDLED}", f"-o{out}", "shop/order.proto"]
    assert main(["compile", f"--dependency-out={ours}", *arguments]) == 0
    assert run_protoc([f"--dependency_out={theirs}", *arguments]).status == 0
    assert ours.read_text() == theirs.read_text()


def test_unused_imports_are_warned_of(protos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compile", f"-I{protos}", f"-o{protos / 'out.pb'}", "shop/order.proto"]
    assert main(arguments) == 0
    report = capsys.readouterr().err
    assert "order.proto:9:8: warning: import google/protobuf/empty.proto is not used" in report
    assert '  import "google/protobuf/empty.proto";  // unused\n         ^^^' in report
    assert report.count("warning:") == 1
    assert "empty.proto is unused" in run_protoc(["-o/dev/null", f"-I{protos}", "shop/order.proto"]).errors
    assert main([*arguments, "--fatal_warnings"]) == 1


def test_errors_are_printed_and_nothing_is_written(protos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (protos / "bad.proto").write_text('syntax = "proto3"; message M { Missing m = 1; }')
    out = protos / "out.pb"
    assert main(["compile", f"-I{protos}", f"-o{out}", "bad.proto"]) == 1
    assert "'Missing' is not defined" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("flags", [[], ["--python-out=x", "--include-imports"]])
def test_flags_that_go_nowhere_are_refused(protos: Path, flags: list[str]) -> None:
    assert main(["compile", f"-I{protos}", *flags, "shop/options.proto"]) == 2
