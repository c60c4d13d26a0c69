"""SourceCodeInfo: where each element of a file stands in its text, and the comments about it, as protoc tells it.

Made on demand, after a file has compiled without errors, from its syntax tree and (for what the tree does not keep:
keywords, brackets, comments) its tokens. The order of the locations is that in which protoc's parser meets them.
Spec: descriptor.proto, SourceCodeInfo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .resolve import SCALARS
from .source_locations import Location, Locations, Path
from .source_places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from . import ast
    from .unit import Unit

# A statement to be visited: where it stands, and the visit.
Statement = tuple[int, "Callable[[], object]"]

# FileDescriptorProto: dependency, public_dependency, weak_dependency, option_dependency.
_IMPORT_FIELDS = {"": 3, "public": 10, "weak": 11, "option": 15}


def source_code_info(unit: Unit) -> bytes:
    """The encoded SourceCodeInfo of a compiled unit, whose options were interpreted with `option_paths`."""
    walk = _Walk(unit)
    walk.file()
    return walk.out.encode()


def _in_order(statements: list[Statement]) -> None:
    for _, visit in sorted(statements, key=lambda statement: statement[0]):
        visit()


class _Walk:
    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.places = Places(unit.source)
        self.out = Locations(self.places)

    # Tokens around a node

    def before(self, node_start: int) -> int:
        """Where the token before a node starts."""
        return self.places.starts[self.places.index(node_start) - 1]

    def end_before(self, node_start: int) -> int:
        """Where the token before a node ends."""
        return self.places.end_of(self.places.index(node_start) - 1)

    def word_before(self, node_start: int) -> str:
        return self.places.texts[self.places.index(node_start) - 1]

    def end_after(self, node_end: int) -> int:
        """Where the token behind a node ends."""
        return self.places.end_of(self.places.index(node_end))

    # Files

    def file(self) -> None:
        tree, places, add = self.unit.tree, self.places, self.out.add
        last = len(places.starts) - 2  # the END token has no width
        add((), places.starts[0], places.end_of(last) if last >= 0 else 0)
        if tree.syntax_name:
            name = tree.syntax_name
            start = places.starts[places.index(name.start) - 2]
            self.statement((12,), start, self.end_after(name.end))
        statements: list[Statement] = []
        if tree.package:
            package = tree.package
            start, end = self.before(package.start), self.end_after(package.end)
            statements.append((start, lambda: self.statement((2,), start, end)))
        statements += self.imports(tree.imports)
        statements += self.options((8,), tree.options)
        groups = {id(message): index for index, message in enumerate(tree.messages)}
        statements += self.messages((4,), tree.messages)
        statements += self.enums((5,), tree.enums)
        for index, service in enumerate(tree.services):
            statements.append((service.start, lambda s=service, i=index: self.service((6, i), s)))
        statements += self.extends((7,), tree.extensions, (4,), groups)
        _in_order(statements)

    def statement(self, path: Path, start: int, end: int) -> Location:
        """A statement that ends with `;`, to which its comments belong."""
        location = self.out.add(path, start, end)
        self.out.comments_at(location, end - 1)
        return location

    def block(self, path: Path, start: int, end: int, name: ast.Name) -> Location:
        """A declaration with a name, and a block whose opening brace has the comments."""
        location = self.out.add(path, start, end)
        self.out.add((*path, 1), name.start, name.end)
        self.out.comments_at(location, self.places.starts[self.places.index(name.end)])
        return location

    def imports(self, imports: list[ast.Import]) -> list[Statement]:
        counts: dict[str, int] = dict.fromkeys(_IMPORT_FIELDS, -1)
        statements: list[Statement] = []
        for item in imports:
            counts[item.modifier] += 1
            listed = "option" if item.modifier == "option" else ""
            if item.modifier in ("public", "weak"):
                counts[""] += 1
            path = _IMPORT_FIELDS[listed], counts[listed]
            word = (_IMPORT_FIELDS[item.modifier], counts[item.modifier])
            statements.append((item.start, lambda i=item, p=path, w=word: self.import_(i, p, w)))
        return statements

    def import_(self, node: ast.Import, path: Path, modifier_path: Path) -> None:
        self.statement(path, node.start, node.end)
        if node.modifier in ("public", "weak"):
            self.out.add(modifier_path, self.before(node.path.start), self.end_before(node.path.start))

    # Messages

    def messages(self, path: Path, messages: list[ast.Message]) -> list[Statement]:
        return [
            (message.start, lambda m=message, i=index: self.message((*path, i), m))
            for index, message in enumerate(messages)
            if not message.is_group and not message.is_map_entry  # these come with their fields
        ]

    def message(self, path: Path, node: ast.Message) -> None:
        self.block(path, self.before(node.name.start), node.end, node.name)
        self.message_body(path, node)

    def message_body(self, path: Path, node: ast.Message) -> None:
        groups = {id(message): index for index, message in enumerate(node.messages)}
        nested = (*path, 3)
        field_paths = {id(field): (*path, 2, index) for index, field in enumerate(node.fields)}
        statements: list[Statement] = []
        for field in node.fields:
            if not field.oneof:
                visit = (field.start, lambda f=field: self.field(field_paths[id(f)], f, nested, groups))
                statements.append(visit)
        for index, oneof in enumerate(node.oneofs):

            def visit_oneof(oneof: ast.Oneof = oneof, index: int = index) -> None:
                self.block((*path, 8, index), oneof.start, oneof.end, oneof.name)
                members = self.options((*path, 8, index, 2), oneof.options)
                for field in oneof.fields:
                    visit = lambda f=field: self.field(field_paths[id(f)], f, nested, groups)  # noqa: E731
                    members.append((field.start, visit))
                _in_order(members)

            statements.append((oneof.start, visit_oneof))
        statements += self.messages(nested, node.messages)
        statements += self.enums((*path, 4), node.enums)
        statements += self.extends((*path, 6), node.extensions, nested, groups)
        statements += self.range_statements((*path, 5), node.extension_ranges)
        statements += self.range_statements((*path, 9), node.reserved_ranges)
        statements += self.reserved_names((*path, 10), node.reserved_names)
        statements += self.options((*path, 7), node.options)
        _in_order(statements)

    def extends(
        self, path: Path, fields: list[ast.Field], nested: Path, groups: dict[int, int]
    ) -> list[Statement]:
        """`extend` blocks: their fields lie in one list and know their block by its extendee."""
        blocks: dict[int, list[tuple[int, ast.Field]]] = {}
        for index, field in enumerate(fields):
            assert field.extendee
            blocks.setdefault(field.extendee.start, []).append((index, field))
        return [
            (start, lambda members=members: self.extend(path, members, nested, groups))
            for start, members in blocks.items()
        ]

    def extend(
        self, path: Path, members: list[tuple[int, ast.Field]], nested: Path, groups: dict[int, int]
    ) -> None:
        extendee = members[0][1].extendee
        assert extendee
        last = members[-1][1]
        location = self.out.add(path, self.before(extendee.start), self.end_after(last.end))
        self.out.comments_at(location, self.places.starts[self.places.index(extendee.end)])
        for index, field in members:
            self.field((*path, index), field, nested, groups)

    # Fields

    def field(self, path: Path, node: ast.Field, nested: Path, groups: dict[int, int]) -> None:
        add = self.out.add
        location = add(path, node.start, node.end)
        if node.extendee:
            add((*path, 2), node.extendee.start, node.extendee.end)
        if node.is_map and node.label:  # that stands for the keyword `map`
            add((*path, 6), node.label.start, self.end_before(node.name.start))
        else:
            if node.label:
                add((*path, 4), node.label.start, node.label.end)
            if node.group:
                add((*path, 5), self.before(node.name.start), self.end_before(node.name.start))
            else:
                add((*path, 5 if node.type.text in SCALARS else 6), node.type.start, node.type.end)
        add((*path, 1), node.name.start, node.name.end)
        add((*path, 3), node.number.start, node.number.end)
        body = self.option_list((*path, 8), node.number.end, node.options, node, path)
        if node.group:
            group_path = (*nested, groups[id(node.group)])
            group = add(group_path, node.start, node.end)
            add((*group_path, 1), node.name.start, node.name.end)
            add((*path, 6), node.name.start, node.name.end)
            self.out.comments_at(group, self.places.starts[self.places.index(body)])
            self.message_body(group_path, node.group)
        else:
            self.out.comments_at(location, node.end - 1)

    def option_list(
        self,
        path: Path,
        start: int,
        options: Sequence[ast.Option],
        field: ast.Field | None = None,
        field_path: Path = (),
    ) -> int:
        """`[…]`, if it stands at `start`. Returns where it ends."""
        pseudo = [o for o in (field.default, field.json_name) if o] if field else []
        in_order = sorted([*options, *pseudo], key=lambda option: option.start)
        if not in_order:
            return start
        end = self.end_after(in_order[-1].value.end)
        self.out.add(path, self.places.starts[self.places.index(start)], end)
        for option in in_order:
            value = option.value
            if field and option is field.default:
                self.out.add((*field_path, 7), value.start, value.end)
            elif field and option is field.json_name:
                self.out.add((*field_path, 10), option.start, value.end)
                self.out.add((*field_path, 10), value.start, value.end)
            else:
                self.out.add(self.option_path(path, option), self.option_start(option), value.end)
        return end

    def option_start(self, option: ast.Option) -> int:
        start = option.start
        return self.before(start) if option.parts[0].is_extension else start

    def option_path(self, path: Path, option: ast.Option) -> Path:
        return path + (self.unit.option_paths or {}).get(option, ())

    def options(self, path: Path, options: list[ast.Option]) -> list[Statement]:
        """`option …;` statements."""
        return [(option.start, lambda o=option: self.option_statement(path, o)) for option in options]

    def option_statement(self, path: Path, option: ast.Option) -> None:
        start, end = self.before(self.option_start(option)), self.end_after(option.value.end)
        self.out.add(path, start, end)
        self.statement(self.option_path(path, option), start, end)

    # Ranges and reserved names

    def range_statements(self, path: Path, ranges: list[ast.Range]) -> list[Statement]:
        """Ranges lie in one list: one that does not follow a comma starts a statement."""
        statements: list[list[tuple[int, ast.Range]]] = []
        for index, item in enumerate(ranges):
            if self.word_before(item.start) != ",":
                statements.append([])
            statements[-1].append((index, item))
        return [(s[0][1].start, lambda s=s: self.range_statement(path, s)) for s in statements]

    def range_statement(self, path: Path, ranges: list[tuple[int, ast.Range]]) -> None:
        start, end = self.before(ranges[0][1].start), ranges[-1][1].end
        options = ranges[0][1].options
        if options:
            end = self.end_after(options[-1].value.end)
        self.statement(path, start, self.end_after(end))
        for index, item in ranges:
            self.out.add((*path, index), item.start, item.end)
            self.out.add((*path, index, 1), item.first.start, item.first.end)
            if item.last is item.first:
                # As protoc has it: of a negative number, the sign alone.
                first_token = self.places.index(item.first.start)
                self.out.add((*path, index, 2), item.first.start, self.places.end_of(first_token))
            else:
                # Without a number, it is the word `max`.
                last = item.last.start if item.last else self.places.starts[self.places.index(item.end) - 1]
                self.out.add((*path, index, 2), last, item.end)
        for index, item in ranges:
            self.option_list((*path, index, 3), ranges[-1][1].end, item.options)

    def reserved_names(self, path: Path, names: list[ast.Name]) -> list[Statement]:
        statements: list[list[tuple[int, ast.Name]]] = []
        for index, name in enumerate(names):
            if self.word_before(name.start) != ",":
                statements.append([])
            statements[-1].append((index, name))
        return [(s[0][1].start, lambda s=s: self.reserved_statement(path, s)) for s in statements]

    def reserved_statement(self, path: Path, names: list[tuple[int, ast.Name]]) -> None:
        self.statement(path, self.before(names[0][1].start), self.end_after(names[-1][1].end))
        for index, name in names:
            self.out.add((*path, index), name.start, name.end)

    # Enums and services

    def enums(self, path: Path, enums: list[ast.Enum]) -> list[Statement]:
        return [(enum.start, lambda e=enum, i=i: self.enum((*path, i), e)) for i, enum in enumerate(enums)]

    def enum(self, path: Path, node: ast.Enum) -> None:
        self.block(path, self.before(node.name.start), node.end, node.name)
        statements = self.options((*path, 3), node.options)
        statements += self.range_statements((*path, 4), node.reserved_ranges)
        statements += self.reserved_names((*path, 5), node.reserved_names)
        for index, value in enumerate(node.values):
            statements.append((value.start, lambda v=value, i=index: self.enum_value((*path, 2, i), v)))
        _in_order(statements)

    def enum_value(self, path: Path, node: ast.EnumValue) -> None:
        self.statement(path, node.start, node.end)
        self.out.add((*path, 1), node.name.start, node.name.end)
        self.out.add((*path, 2), node.number.start, node.number.end)
        self.option_list((*path, 3), node.number.end, node.options)

    def service(self, path: Path, node: ast.Service) -> None:
        self.block(path, node.start, node.end, node.name)
        statements = self.options((*path, 3), node.options)
        for index, method in enumerate(node.methods):
            statements.append((method.start, lambda m=method, i=index: self.method((*path, 2, i), m)))
        _in_order(statements)

    def method(self, path: Path, node: ast.Method) -> None:
        location = self.out.add(path, node.start, node.end)
        self.out.add((*path, 1), node.name.start, node.name.end)
        for side, streaming, field, flag in (
            (node.input_type, node.client_streaming, 2, 5),
            (node.output_type, node.server_streaming, 3, 6),
        ):
            if streaming:
                word = self.before(side.start)
                self.out.add((*path, flag), word, word + len("stream"))
            self.out.add((*path, field), side.start, side.end)
        if not node.has_block:
            self.out.comments_at(location, node.end - 1)
            return
        brace = self.places.index(node.output_type.end) + 1
        self.out.comments_at(location, self.places.starts[brace])
        _in_order(self.options((*path, 4), node.options))
