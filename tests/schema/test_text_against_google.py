"""Invariant: what to_text writes, from_text reads back; and it takes and refuses what Google's parsers do, where these
follow the specification."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from typing import Any

import pytest
from google.protobuf import text_format as google_text
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire.schema import TextError
from tests.support.schema_messages import messages
from tests.support.schemas import GOOGLE_INCLUDE, PROTOS, both
from tests.support.text_cases import BAD, GOOD
from tests.support.text_texts import texts

SETTINGS = settings(max_examples=150)
SLOW = settings(SETTINGS, max_examples=1500)
NAMES = ("kitchen.Sink", "kitchen.Spices", "pantry.Shelf")

# Where Google's Python takes more than the specification allows.
LENIENT = re.compile(
    "|".join(
        [
            r"required field .* is missing|required field is not set",  # does not look
            r"^is already set",  # does not see a second value if the first is zero
            r"expected digits \(.*, found '-'",  # -0 is unsigned for it
            r"unexpected character '\+'",
            r"found '[^']*_|expected .*, found '[^']*_",  # 1_000
            r"unknown escape \\[Xq]",
            r"this string is not closed",  # NUL in a string
        ]
    )
)
# … and where it takes less. Its C++ parser takes all of these as we do.
STRICT = re.compile(
    "|".join(
        [
            r"Couldn't parse (integer|float): -$",  # white space behind a minus
            r'Expected "true" or "false"',  # 0x1
            r"has no value named 0",  # 01 for an enum
            r"'utf-8' codec can't decode",  # in the strings of proto2
        ]
    )
)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@SETTINGS
def test_reads_what_it_wrote(name: str, data: Any) -> None:
    ours = both("kitchen.proto").ours[name]
    message = data.draw(messages(ours))
    text = message.to_text(as_utf8=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 0, 2])))
    back = ours.from_text(text)
    assert back.to_text() == message.to_text()
    # A NaN is not equal to itself; and the bytes inside an Any may have had their maps in another order.
    assert back == message or "nan" in text or "[type.googleapis.com/" in text
    theirs = google_text.MessageToString(
        both("kitchen.proto").google(name).FromString(message.encode()),
        descriptor_pool=both("kitchen.proto").pool,
    )
    assert ours.from_text(theirs).to_text() == message.to_text()


def check(name: str, text: str) -> None:
    known = both("kitchen.proto")
    theirs, refusal = None, ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from the escapes that Google leaves to Python
            theirs = google_text.Parse(text, known.google(name)(), descriptor_pool=known.pool)
    except (google_text.ParseError, ValueError, TypeError, KeyError) as error:
        refusal = str(error)
    try:
        ours = known.ours[name].from_text(text)
    except TextError as error:
        assert theirs is None or LENIENT.search(error.reason), (text, str(error))
        return
    if theirs is None:
        assert STRICT.search(refusal), (text, refusal)
        return
    if r"\?" in text:
        return  # an escape that Google's Python does not know
    again = known.google(name).FromString(ours.encode())
    expected = google_text.MessageToString(theirs, descriptor_pool=known.pool)
    assert google_text.MessageToString(again, descriptor_pool=known.pool) == expected


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@SETTINGS
def test_takes_and_refuses_what_google_does(name: str, data: Any) -> None:
    check(name, data.draw(texts(both("kitchen.proto").ours[name])))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@SLOW
def test_takes_and_refuses_what_google_does_at_length(name: str, data: Any) -> None:
    check(name, data.draw(texts(both("kitchen.proto").ours[name])))


def protoc(name: str, text: str) -> bytes | None:
    """What protoc, whose parser is the C++ one, makes of a text; None when it refuses it."""
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{PROTOS}",
        f"-I{GOOGLE_INCLUDE}",
        f"--encode={name}",
    ]
    done = subprocess.run(
        [*command, "--deterministic_output", "kitchen.proto"], input=text.encode(), capture_output=True
    )
    return None if done.returncode else done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("name", "text", "_"), GOOD)
def test_protoc_reads_the_same(name: str, text: str, _: bool) -> None:
    encoded = protoc(name, text)
    assert encoded is not None
    message_class = both("kitchen.proto").ours[name]
    assert message_class.from_text(text).to_text() == message_class.decode(encoded).to_text()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "text", "taken"), BAD)
def test_protoc_refuses_the_same(name: str, text: str, taken: bool) -> None:
    assert (protoc(name, text) is not None) == taken
