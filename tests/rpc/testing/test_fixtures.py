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
TEST = """
import pytest
from conftest import Echo, kit

@pytest.fixture
def grpc_servicers():
    return [Echo()]

async def test_one(stub, grpc_pair, grpc_recorder):
    assert (await stub.One(kit.Text(text="ab"))).text == "abab"
    assert len(grpc_recorder.to("One")) == 1
    assert len(grpc_pair.connections) == 1
"""
WITHOUT_SERVICERS = """
async def test_none(stub):
    pass
"""


def test_a_suite_with_a_module_that_names_no_servicers(pytester: pytest.Pytester) -> None:
    pytester.makefile(".ini", pytest="[pytest]\nasyncio_mode = auto\n")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TEST, test_without=WITHOUT_SERVICERS)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at setup of test_none*", "*define a fixture grpc_servicers()*"])
