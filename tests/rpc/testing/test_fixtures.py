"""The fixtures, as a suite of a user's would have them."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

CONFTEST = '''
import pytest
from barewire import rpc, schema

pytest_plugins = ["barewire.rpc.testing.fixtures"]
kit = schema.loads(
    """syntax = "proto3"; package kit; message Text { string text = 1; }
    service Echo { rpc One(Text) returns (Text); }""",
    name="kit.proto",
)

class Echo(kit.EchoServicer):
    async def One(self, request, context):
        return kit.Text(text=request.text * 2)

@pytest.fixture
def stub(grpc_channel):
    return kit.EchoStub(grpc_channel)
'''
SERVICERS = """
@pytest.fixture
def grpc_servicers():
    return [Echo()]
"""
TEST = """
from conftest import kit

async def test_one(stub, grpc_pair, grpc_recorder):
    assert (await stub.One(kit.Text(text="ab"))).text == "abab"
    assert len(grpc_recorder.to("One")) == 1
    assert len(grpc_pair.connections) == 1
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makefile(".ini", pytest="[pytest]\nasyncio_mode = auto\n")
    pytester.makepyfile(test_it=TEST)
    return pytester


def test_a_suite(suite: pytest.Pytester) -> None:
    suite.makeconftest(CONFTEST + SERVICERS)
    suite.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_suite_that_names_no_servicers(suite: pytest.Pytester) -> None:
    suite.makeconftest(CONFTEST)
    result = suite.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*define a fixture grpc_servicers()*"])
