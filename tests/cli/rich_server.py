"""A server of rich.proto, for `barewire serve`; its answers exercise what `barewire call` prints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from barewire import rpc, schema

rich = schema.load(Path(__file__).with_name("rich.proto"))


class Rich(rich.SvcServicer):
    async def Do(self, request: Any, context: Any) -> Any:
        if request.name:
            details = [
                rich.Outer(name="d"),
                schema.wkt.Duration(seconds=3),
                schema.wkt.Any(type_url="x/y.Z", value=b"\1"),
            ]
            raise rpc.RpcError(
                rpc.StatusCode.FAILED_PRECONDITION,
                f"{request.name}\nline two",
                details=details,
                metadata=[("t", "1"), ("x-bin", b"\x01\x02")],
            )
        await context.send_initial_metadata([("init", "a"), ("i-bin", b"\xab")])
        context.set_trailing_metadata([("t", "1")])
        return schema.wkt.Empty()

    async def Zed(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for inner in requests:
            yield rich.Outer(
                name="é",
                inner=inner,
                kind=1,
                m={"b": inner, "a": inner},
                opt=0,
                packed=[1, 2],
                d=0.5,
                b=b"\xff",
                ts=schema.wkt.Timestamp(seconds=5),
                any=schema.wkt.Any.pack(rich.Extra(a="q")),
                st=schema.wkt.Struct.from_json('{"a":[1,{}],"b":{}}'),
            )


def servicers() -> list[object]:
    """A factory of several: `rich_server:servicers`."""
    from tests.cli.bookstore_server import Bookstore

    return [Rich(), Bookstore()]
