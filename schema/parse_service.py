"""Services and their methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ast import Method, Name, Service
from .parse_field import SCALAR_WORDS
from .parse_option import parse_option_statement

if TYPE_CHECKING:
    from .cursor import Cursor


def parse_service(p: Cursor, start: int) -> Service:
    """A service, from behind the keyword; `start` is where its statement starts."""
    service = Service(name=p.identifier("a name for this service"), start=start)
    p.block(lambda: _parse_statement(p, service), f"service '{service.name.text}'")
    service.end = p.end
    return service


def _parse_statement(p: Cursor, service: Service) -> None:
    start = p.start
    if p.accept("option"):
        service.options.append(parse_option_statement(p))
    elif p.accept("rpc"):
        service.methods.append(_parse_method(p, start))
    else:
        raise p.fault(f"expected 'rpc' or 'option' in service '{service.name.text}'")


def _parse_method(p: Cursor, start: int) -> Method:
    name = p.identifier("a name for this method")
    client_streaming, input_type = _parse_side(p, f"the request of '{name.text}'")
    p.expect("returns", f"after the request of '{name.text}'")
    server_streaming, output_type = _parse_side(p, f"the response of '{name.text}'")
    method = Method(
        name=name,
        input_type=input_type,
        output_type=output_type,
        client_streaming=client_streaming,
        server_streaming=server_streaming,
        start=start,
    )
    if p.text == "{":
        method.has_block = True
        p.block(lambda: _parse_method_option(p, method), f"method '{name.text}'")
    else:
        p.end_statement()
    method.end = p.end
    return method


def _parse_side(p: Cursor, what: str) -> tuple[bool, Name]:
    p.expect("(", f"before {what}")
    if "." in p.text:
        p.split_word(("stream", *SCALAR_WORDS))
    streaming = p.accept("stream")
    message = p.type_name(f"the message type of {what}")
    p.expect(")", f"after {what}")
    return streaming, message


def _parse_method_option(p: Cursor, method: Method) -> None:
    if not p.accept("option"):
        raise p.fault("expected 'option': a method has nothing else between its braces")
    method.options.append(parse_option_statement(p))
