"""What the connectors' tests share: a server on loopback and a client."""

from collections.abc import Iterator

import pytest

from connectors.http import Http
from tests.connectors.server import LocalServer, serving


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with serving() as local:
        yield local


@pytest.fixture(scope="session")
def http() -> Iterator[Http]:
    with Http() as client:
        yield client
