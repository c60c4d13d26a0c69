"""The program that a peer process runs: answers questions with google.protobuf. It imports nothing of barewire.

Standard input: a frame with (descriptor set, message name), then frames with lists of questions (data, wants JSON, our
JSON). Standard output: a frame with a greeting, then a frame of outcomes for each. A frame is a length (4 bytes) and
marshalled data. The names of the fields are those of `outcome.Outcome`; the trees are described there.
"""

from __future__ import annotations

import json
import marshal
import struct
import sys
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.internal import api_implementation


def main() -> None:
    source, target = sys.stdin.buffer, sys.stdout.buffer
    files, name = receive(source)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(files).file:
        pool.Add(file)
    descriptor = pool.FindMessageTypeByName(name)
    declaring = [file.name for file in descriptor_pb2.FileDescriptorSet.FromString(files).file]
    message_factory.GetMessageClassesForFiles(declaring, pool)
    for extendee in all_messages(pool, declaring):
        pool.FindAllExtensions(extendee)
    message_class = message_factory.GetMessageClass(descriptor)
    send(target, api_implementation.Type())
    while (questions := receive(source)) is not None:
        send(target, [answer(message_class, pool, *question) for question in questions])


def all_messages(pool: Any, names: list[str]) -> list[Any]:
    found = [
        message for name in names for message in pool.FindFileByName(name).message_types_by_name.values()
    ]
    for message in found:
        found += message.nested_types
        message_factory.GetMessageClass(message)
    return found


def receive(stream: Any) -> Any:
    head = stream.read(4)
    return marshal.loads(stream.read(struct.unpack("<I", head)[0])) if len(head) == 4 else None


def send(stream: Any, value: Any) -> None:
    data = marshal.dumps(value)
    stream.write(struct.pack("<I", len(data)) + data)
    stream.flush()


def answer(
    message_class: Any, pool: Any, data: bytes, wants_json: bool, our_json: str | None
) -> tuple[Any, ...]:
    try:
        message = message_class.FromString(data)
    except Exception as error:
        return (reason(error),)
    if not message.IsInitialized():
        return ("required field is missing",)
    encoded = message.SerializePartialToString(deterministic=True)
    found: list[Any] = ["", None, encoded, None, "", None, ""]
    try:
        found[1] = tree(message)
    except UnicodeDecodeError:  # upb keeps map keys that are not UTF-8, but cannot show them
        return tuple(found)
    if wants_json:
        try:
            value = json_format.MessageToDict(message, descriptor_pool=pool)
            found[3] = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
            found[3].encode()
        except Exception as error:
            found[3:5] = None, reason(error)
    if our_json is not None:
        try:
            found[5] = tree(json_format.Parse(our_json, message_class(), descriptor_pool=pool))
        except Exception as error:
            found[6] = reason(error)
    return tuple(found)


def reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


MESSAGE, BYTES, FLOAT, PLAIN = range(4)
KINDS = {10: MESSAGE, 11: MESSAGE, 9: BYTES, 12: BYTES, 1: FLOAT, 2: FLOAT}
known: dict[str, tuple[int, bool, bool, Any]] = {}


def look_up(field: Any) -> tuple[int, bool, bool, Any]:
    """Kind, repeated, map, and for a map the converter of its values."""
    entry = field.message_type if field.type == 11 and field.message_type.GetOptions().map_entry else None
    item = (KINDS.get(field.type, PLAIN), bool(field.is_repeated), entry is not None, None)
    if entry is not None:
        item = (*item[:3], KINDS.get(entry.fields_by_number[2].type, PLAIN))
    known[field.full_name] = item
    return item


def tree(message: Any) -> list[Any]:
    found: list[Any] = []
    for field, value in message.ListFields():
        kind, repeated, is_map, values = known.get(field.full_name) or look_up(field)
        if is_map:
            plain = [[key, single(values, value[key])] for key in value]
            plain.sort(key=lambda pair: pair[0])
        elif repeated:
            plain = list(value) if kind == PLAIN else [single(kind, item) for item in value]
        else:
            plain = value if kind == PLAIN else single(kind, value)
        found.append([field.number, plain])
    found.sort(key=lambda pair: pair[0])
    return found


def single(kind: int, value: Any) -> Any:
    if kind == MESSAGE:
        return tree(value)
    if kind == FLOAT:
        return value if value == value else "nan"
    if kind == BYTES:
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                return value.encode("utf-8", "surrogateescape")
        return value
    return value


if __name__ == "__main__":
    main()
