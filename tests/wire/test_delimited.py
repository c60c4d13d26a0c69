from __future__ import annotations

import io

import pytest

from barewire.wire import DecodeError, decode_delimited, encode_delimited, read_delimited, write_delimited
from tests.support.wire_plans import Book

BOOKS = [Book(title="Dune"), Book(), Book(title="x" * 200)]


def test_streams() -> None:
    stream = io.BytesIO()
    for book in BOOKS:
        write_delimited(stream, book)
    assert stream.getvalue() == b"".join(map(encode_delimited, BOOKS))
    assert list(decode_delimited(Book, stream.getvalue())) == BOOKS
    stream.seek(0)
    assert [read_delimited(stream, Book) for _ in range(4)] == [*BOOKS, None]


class Dribble(io.BytesIO):
    """Hands out a byte at a time, as a socket may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1))


def test_short_reads() -> None:
    stream = Dribble(b"".join(map(encode_delimited, BOOKS)))
    assert [read_delimited(stream, Book) for _ in range(4)] == [*BOOKS, None]


def test_errors_say_where() -> None:
    data = encode_delimited(BOOKS[0])
    for end in range(1, len(data)):
        with pytest.raises(DecodeError, match="ends"):
            read_delimited(io.BytesIO(data[:end]), Book)
        with pytest.raises(DecodeError):
            list(decode_delimited(Book, data[:end]))
    with pytest.raises(DecodeError, match=r"library\.Book\.title: invalid UTF-8 in a string \(at byte 10\)"):
        list(decode_delimited(Book, data + b"\x03\x0a\x01\xff"))
    with pytest.raises(DecodeError, match="larger than max_size=100"):
        read_delimited(io.BytesIO(encode_delimited(BOOKS[2])), Book, max_size=100)
    with pytest.raises(DecodeError, match="31 bits"):
        read_delimited(io.BytesIO(b"\xff" * 9), Book)
