"""A whole file: syntax, package, imports, and what is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ast import File, Import
from .cursor import Cursor, Fault
from .parse_enum import parse_enum
from .parse_field import Scope
from .parse_message import parse_extend, parse_message
from .parse_option import parse_option_statement
from .parse_service import parse_service

if TYPE_CHECKING:
    from .errors import Report
    from .source import Source

MAX_PACKAGE_LENGTH = 511  # protoc's limits
MAX_PACKAGE_DEPTH = 100
EDITIONS = ("2023", "2024")
_KEYWORDS = ("message", "enum", "service", "extend", "import", "package", "option", "syntax", "edition")


def parse_file(source: Source, report: Report) -> File:
    """The syntax tree of `source`. Faults go into `report`; the tree holds what could be read in spite of them."""
    p = Cursor(source, report)
    file = File()
    first = True
    while p.text:
        if p.accept(";"):
            first = False
            continue
        if first and p.text in ("syntax", "edition"):
            p.statement(lambda: _parse_syntax(p, file))
        else:
            p.statement(lambda: _parse_statement(p, file))
        first = False
    return file


def _parse_syntax(p: Cursor, file: File) -> None:
    keyword = p.identifier("'syntax' or 'edition'").text
    p.expect("=", f"after '{keyword}'")
    value = p.text_string(f"the {keyword}")
    p.end_statement()
    file.syntax_name = value
    if keyword == "edition":
        file.syntax = "editions"
        file.edition = p.edition = value.text if value.text in EDITIONS else EDITIONS[-1]
        known, help = EDITIONS, f"known editions: {', '.join(EDITIONS)}"
    else:
        known, help = ("proto2", "proto3"), 'write "proto2" or "proto3"'
        file.syntax = p.edition = value.text if value.text in known else "proto3"
    if value.text not in known:
        p.syntax_error(Fault(f"unknown {keyword} {value.text[:40]!r}", value.start, value.end, help))


def _parse_statement(p: Cursor, file: File) -> None:
    keyword, start = p.text, p.start
    match keyword:
        case "message":
            p.advance()
            file.messages.append(parse_message(p, start))
        case "enum":
            p.advance()
            file.enums.append(parse_enum(p, start))
        case "service":
            p.advance()
            file.services.append(parse_service(p, start))
        case "extend":
            p.advance()
            parse_extend(p, Scope(file.extensions, file.messages))
        case "import":
            p.advance()
            file.imports.append(_parse_import(p, start))
            _check_import(p, file.imports)
        case "package":
            _parse_package(p, file)
        case "option":
            p.advance()
            file.options.append(parse_option_statement(p))
        case "export" | "local" if p.has_visibility and p.peek() in ("message", "enum"):
            visibility = p.identifier("a visibility")
            if p.accept("message"):
                file.messages.append(parse_message(p, start, visibility))
            else:
                p.advance()
                file.enums.append(parse_enum(p, start, visibility))
        case "syntax" | "edition":
            raise p.fault(f"'{keyword}' has to be the first statement of the file")
        case "}":
            raise p.fault("this '}' closes nothing")
        case _:
            raise p.fault("expected a declaration (message, enum, service, …)", _suggest_keyword(keyword))


def _parse_import(p: Cursor, start: int) -> Import:
    modifier = ""
    if p.text in ("public", "weak", "option"):
        word = p.identifier("a modifier")
        modifier = word.text
        if modifier == "option" and not p.has_visibility:
            p.syntax_error(Fault("'import option' came with edition 2024", word.start, word.end))
    path = p.text_string("the file to import")
    p.end_statement()
    return Import(path=path, modifier=modifier, start=start, end=p.end)


def _check_import(p: Cursor, imports: list[Import]) -> None:
    """Edition 2024 has `import option` in place of `import weak`, and wants it behind the other imports."""
    new = imports[-1]
    if not p.has_visibility:
        return
    if new.modifier == "weak":
        help = "'import option' imports what only options need"
        p.syntax_error(Fault("edition 2024 has no 'import weak'", new.start, new.path.end, help))
    elif new.modifier != "option" and any(other.modifier == "option" for other in imports):
        help = "write the imports for options last"
        p.syntax_error(Fault("this import follows an 'import option'", new.start, new.path.end, help))


def _parse_package(p: Cursor, file: File) -> None:
    start = p.start
    p.advance()
    name = p.dotted_name("the name of the package")
    p.end_statement()
    if len(name.text) > MAX_PACKAGE_LENGTH or name.text.count(".") >= MAX_PACKAGE_DEPTH:
        limits = f"the limits are {MAX_PACKAGE_LENGTH} characters and {MAX_PACKAGE_DEPTH} parts"
        p.syntax_error(Fault("the name of the package is too long", name.start, name.end, limits))
        return
    if file.package:
        p.syntax_error(Fault("the package is declared twice", start, name.end))
    file.package = name


def _suggest_keyword(word: str) -> str | None:
    from difflib import get_close_matches

    close = get_close_matches(word[:40], _KEYWORDS, 1)
    return f"did you mean '{close[0]}'?" if close else None
