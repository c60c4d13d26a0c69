"""The paths of a FieldMask: `author.name` covers that field and all that lies below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...wire.plan import Cardinality, FieldPlan, MessagePlan

if TYPE_CHECKING:
    from ..message import Message

Tree = dict[str, Any]  # a Tree for every part of a path; an empty one covers everything below


def tree(paths: Iterable[str]) -> Tree:
    """The paths as a tree of their parts."""
    root: Tree = {}
    for path in paths:
        _add(root, path.split("."))
    return root


def canonical(paths: Iterable[str]) -> list[str]:
    """The same fields with the fewest paths, sorted."""
    return _paths(tree(paths))


def intersection(left: Iterable[str], right: Iterable[str]) -> list[str]:
    """The paths of the fields that both sides cover, in canonical form."""
    ours, theirs = tree(left), tree(right)
    return _paths(_intersect(ours, theirs)) if ours and theirs else []


def is_valid(path: str, message_class: type[Message]) -> bool:
    """Whether a path names a field of the class; only its last part may be repeated or a map."""
    plan: MessagePlan | None = message_class.__plan__
    for part in path.split("."):
        field = None if plan is None else _field(plan, part)
        if field is None:
            return False
        plan = field.message if field.cardinality is not Cardinality.REPEATED else None
    return True


def merge(
    node: Tree, source: Message, target: Message, replace_messages: bool, replace_repeated: bool
) -> None:
    """Copy the fields that `node` covers from `source` to `target`."""
    for part, below in node.items():
        field = _field(type(target).__plan__, part)
        if field is None:
            continue
        theirs = getattr(source, field.attribute)
        ours = getattr(target, field.attribute)
        if below:
            if theirs is None:
                continue
            if ours is None:
                ours = type(theirs)()
                setattr(target, field.attribute, ours)
            merge(below, theirs, ours, replace_messages, replace_repeated)
        elif field.cardinality is Cardinality.REPEATED:
            kept: Any = () if replace_repeated else ours
            setattr(target, field.attribute, [*kept, *map(_copied, theirs)])
        elif field.cardinality is Cardinality.MAP:
            copied = {key: _copied(value) for key, value in theirs.items()}
            setattr(target, field.attribute, copied if replace_repeated else {**ours, **copied})
        elif field.message is not None and ours is not None and not replace_messages:
            if theirs is not None:
                ours.merge(theirs)
        else:
            setattr(target, field.attribute, _copied(theirs))


def _copied(value: Any) -> Any:
    return value.copy() if hasattr(value, "__plan__") else value


def _field(plan: MessagePlan, name: str) -> FieldPlan | None:
    return next((field for field in plan.fields if field.name == name), None)


def _add(root: Tree, parts: list[str]) -> None:
    node = root
    for index, part in enumerate(parts):
        if part in node and not node[part]:
            return  # a shorter path already covers this one
        if index == len(parts) - 1:
            node[part] = {}
        else:
            node = node.setdefault(part, {})


def _intersect(left: Tree, right: Tree) -> Tree:
    if not left:
        return right
    if not right:
        return left
    common: Tree = {}
    for part in left.keys() & right.keys():
        below = _intersect(left[part], right[part])
        # Two parts that share a name but nothing below it have nothing in common.
        if below or not (left[part] and right[part]):
            common[part] = below
    return common


def _paths(node: Tree, prefix: str = "") -> list[str]:
    paths: list[str] = []
    for part, below in sorted(node.items()):
        path = f"{prefix}{part}"
        paths += _paths(below, path + ".") if below else [path]
    return paths
