"""How many files give the descriptors that protoc gives: `make protoc-parity`. Says file by file where not.

The reference is the protoc inside grpcio-tools. Everything is compared in four modes: with and without source info,
with and without the options that are meant for the source only.
"""

from __future__ import annotations

import sys

from barewire.schema.compile import compile_files
from barewire.schema.errors import SchemaError
from tests.parity.corpora import Corpus, corpora
from tests.support.parity import MODES, differing, ours, parsed, reference
from tests.support.proto_cases import MAIN, cases, sources_of


def main() -> int:
    faults = 0
    for corpus in corpora():
        for mode in MODES:
            faults += _compare(corpus, mode)
    for mode in MODES:
        faults += _compare_cases(mode)
    faults += _compare_refusals()
    print("all equal" if not faults else f"{faults} differ")
    return 1 if faults else 0


def _compare(corpus: Corpus, mode: str) -> int:
    try:
        count, different = differing(corpus.names, corpus.include, mode)
    except (SchemaError, ValueError) as error:
        print(f"{corpus.title}, {mode}: cannot be compared: {error}")
        return 1
    return _report(corpus.title, mode, count, different)


def _compare_cases(mode: str) -> int:
    different: list[str] = []
    for path in cases("valid"):
        wanted = reference("valid")[path.stem, mode].data
        try:
            made = ours([MAIN], [], mode, sources_of(path))
        except SchemaError:
            made = b""
        if wanted is None or list(parsed(made).items()) != list(parsed(wanted).items()):
            different.append(path.name)
    return _report("tests/schema/valid", mode, len(cases("valid")), different)


def _compare_refusals() -> int:
    different: list[str] = []
    for path in cases("invalid"):
        if reference("invalid")[path.stem, "plain"].data is not None:
            different.append(f"{path.name}: protoc takes it")
        try:
            compile_files([MAIN], sources=sources_of(path))
            different.append(f"{path.name}: we take it")
        except SchemaError:
            pass
    return _report("tests/schema/invalid", "refused by both", len(cases("invalid")), different)


def _report(title: str, mode: str, count: int, different: list[str]) -> int:
    print(f"{title + ', ' + mode:58} {count - len(different):5} of {count:5} equal")
    for name in different:
        print(f"    {name}")
    sys.stdout.flush()
    return len(different)


if __name__ == "__main__":
    sys.exit(main())
