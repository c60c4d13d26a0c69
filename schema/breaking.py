"""What breaks between two versions of a schema: on the wire, in JSON, or (if asked for) in code.

    findings = breaking.compare(open_checked("old/"), open_checked("new/"))

Declarations are paired by what programs know them by: messages, enums and services by their full names, fields and
enum values by their numbers, extensions by the message and number, methods by their names. A message in the place of
another is compared with it as well: a type may be replaced by one that reads the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .breaking_enums import ENUM_RULES
from .breaking_fields import FIELD_RULES
from .breaking_files import FILE_RULES
from .breaking_messages import MESSAGE_RULES
from .breaking_model import CATEGORIES, JSON, SOURCE, WIRE, Change, Difference, Found, Rule
from .breaking_services import SERVICE_RULES
from .checked import Checked, check_files, open_checked
from .descriptor import (
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    HasOptions,
    MessageDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from .findings import Finding, Where, in_order
from .json_wkt import SPECIAL
from .registry import declarations

__all__ = ["CATEGORIES", "RULES", "Checked", "Finding", "check_files", "compare", "open_checked"]

RULES = (*FILE_RULES, *MESSAGE_RULES, *FIELD_RULES, *ENUM_RULES, *SERVICE_RULES)

_DEFAULT_CATEGORIES = (WIRE, JSON)


def compare(
    old: Checked,
    new: Checked,
    *,
    categories: Iterable[str] = _DEFAULT_CATEGORIES,
    ignore: Iterable[str] = (),
) -> list[Finding]:
    """What breaks when `old` becomes `new`, in the order of files and lines.

    `categories` are those of CATEGORIES that matter; `ignore` holds the ids of rules to pass over.
    """
    wanted, ignored = set(categories), set(ignore)
    findings: list[Finding] = []
    for rule, change in _Comparison(old, new).changes():
        endangered = tuple(word for word in change.categories or rule.categories if word in wanted)
        if endangered and rule.id not in ignored:
            findings.append(_finding(rule, change, endangered, old, new))
    return in_order(findings)


def _finding(rule: Rule, change: Change, categories: tuple[str, ...], old: Checked, new: Checked) -> Finding:
    before = old.where(change.old) if change.old is not None else None
    now = new.where(change.new) if change.new is not None else before
    return Finding(rule.id, categories, change.message, change.help, now or Where("?"), before)


_Changes = Iterator[tuple[Rule, Change]]
_Pair = tuple[MessageDescriptor, MessageDescriptor]


class _Comparison:
    """Walks through two schemas; answers the rules' questions (breaking_model.Comparison)."""

    def __init__(self, old: Checked, new: Checked) -> None:
        self.asked = set(old.files)
        self.old_files = old.all_files
        self.old_names = _by_key(old.all_files)
        self.new_names = _by_key(new.all_files)
        self.files = _pair_files(old, new)
        self.memo: dict[_Pair, Difference] = {}
        self.nested: list[_Pair] | None = None  # pairs that were met while types are compared

    # Walking

    def changes(self) -> _Changes:
        """All that the rules find."""
        for file in self.old_files:
            if file in self.asked:  # of what is imported only what is still there is looked at
                yield from self._apply(FILE_RULES, file, self.files.get(file))
            for declared in declarations(file):
                yield from self._declared(declared)

    def _declared(self, old: Any) -> _Changes:
        match old:
            case MessageDescriptor(is_map_entry=False):
                new = self.find(old)
                if new is not None:
                    yield from self._message(old, new)
            case EnumDescriptor():
                yield from self._apply(ENUM_RULES, old, self.find(old))
            case FieldDescriptor():
                yield from self._apply(FIELD_RULES, old, self.find(old))
            case ServiceDescriptor():
                yield from self._service(old, self.find(old))
            case _:
                pass

    def _message(self, old: MessageDescriptor, new: MessageDescriptor) -> _Changes:
        yield from self._apply(MESSAGE_RULES, old, new)
        by_number = {field.number: field for field in new.fields}
        for field in old.fields:
            yield from self._apply(FIELD_RULES, field, by_number.get(field.number))

    def _service(self, old: ServiceDescriptor, new: ServiceDescriptor | None) -> _Changes:
        yield from self._apply(SERVICE_RULES, old, new)
        by_name: dict[str, MethodDescriptor] = {m.name: m for m in new.methods} if new else {}
        for method in old.methods:
            yield from self._apply(SERVICE_RULES, method, by_name.get(method.name))

    def _apply(self, rules: Iterable[Rule], old: HasOptions, new: HasOptions | None) -> _Changes:
        if new is None and not isinstance(old, FileDescriptor):
            return
        for rule in rules:
            if isinstance(old, rule.subject):
                for change in rule.check(old, new, self):
                    yield rule, change

    # What rules ask

    def find(self, old: Found) -> Found | None:
        found = self.new_names.get(_key(old))
        if found is None and (file := self.files.get(old.file)) and file.package != old.file.package:
            found = self.new_names.get(_key(old, old.file.package, file.package))
        return found if isinstance(found, type(old)) else None

    def is_new(self, new: MessageDescriptor) -> bool:
        return _key(new) not in self.old_names

    def messages_differ(self, old: MessageDescriptor, new: MessageDescriptor) -> Difference | None:
        if self.find(old) is new or old.full_name == new.full_name:
            return None  # what changed inside is told where it is declared
        if old.full_name in SPECIAL or new.full_name in SPECIAL:
            return self._special(old, new)
        if self.nested is not None:  # part of another comparison, which gets to this pair, too
            self.nested.append((old, new))
            return Difference()
        if (old, new) not in self.memo:
            self.memo[old, new] = self._difference(old, new)
        return self.memo[old, new]

    def enums_differ(self, old: EnumDescriptor, new: EnumDescriptor) -> Difference | None:
        if self.find(old) is new or old.full_name == new.full_name:
            return None
        return _summary(self._apply(ENUM_RULES, old, new))

    def _difference(self, old: MessageDescriptor, new: MessageDescriptor) -> Difference:
        """Compares two messages of different names, and those that stand in the same places inside them."""
        pending, seen = [(old, new)], {(old, new)}
        try:
            while pending:
                self.nested = []
                difference = _summary(self._message(*pending.pop()))
                if difference.categories:
                    return difference
                fresh = [pair for pair in self.nested if pair not in seen]
                pending += fresh
                seen.update(fresh)
        finally:
            self.nested = None
        return Difference()

    def _special(self, old: MessageDescriptor, new: MessageDescriptor) -> Difference:
        """For well-known types with a JSON form of their own."""
        nested, self.nested = self.nested, []
        try:
            inside = _summary(self._message(old, new))
        finally:
            self.nested = nested
        reason = inside.reason or "they look different in JSON"
        return Difference((*(word for word in inside.categories if word != JSON), JSON), reason)


def _summary(changes: _Changes) -> Difference:
    """The categories of all changes but those of SOURCE, and what the first of these changes says."""
    categories: set[str] = set()
    reason = ""
    for rule, change in changes:
        serious = set(change.categories or rule.categories) - {SOURCE}
        categories |= serious
        if serious:
            reason = reason or change.message
    return Difference(tuple(word for word in CATEGORIES if word in categories), reason)


def _pair_files(old: Checked, new: Checked) -> Mapping[FileDescriptor, FileDescriptor]:
    by_name = {file.name: file for file in new.all_files}
    pairs = {file: by_name[file.name] for file in old.all_files if file.name in by_name}
    if len(old.files) == len(new.files) == 1:  # two single files belong together whatever they are called
        pairs[old.files[0]] = new.files[0]
    return pairs


def _by_key(files: Iterable[FileDescriptor]) -> dict[object, HasOptions]:
    return {_key(declared): declared for file in files for declared in declarations(file)}


def _key(declared: Any, old_package: str = "", new_package: str = "") -> object:
    """What programs know a declaration by; if the packages are given, after a change of the package."""

    def moved(name: str) -> str:
        prefix = old_package + "." if old_package else ""
        if old_package == new_package or not name.startswith(prefix):
            return name
        rest = name[len(prefix) :]
        return f"{new_package}.{rest}" if new_package else rest

    if isinstance(declared, FieldDescriptor):
        return moved(declared.containing_type.full_name), declared.number
    return declared.OPTIONS, moved(declared.full_name)
