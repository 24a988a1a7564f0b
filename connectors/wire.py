"""Sockets for the shared client: connect to the address that was checked, and let no call outlast its time."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2

from connectors.guard import Resolve

CONNECT_S = 5.0

# When the present call must be over, on the monotonic clock: a server that drips a byte at a time never times out by
# read time-outs alone.
_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let every wait inside end `seconds` from now."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def left(timeout: float | None) -> float:
    """Return how long the next wait may take, in seconds."""
    # A time-out of zero would mean "do not block", which fails with another error.
    return max(0.001, min(_deadline.get() - time.monotonic(), timeout if timeout is not None else CONNECT_S))


def overdue() -> bool:
    """Say whether the present call has used up its time."""
    return time.monotonic() > _deadline.get()


class Backend(httpcore2.NetworkBackend):
    """Connects to the very address that was looked up and checked, so that a name cannot change in between."""

    def __init__(self, addresses: Resolve, *, inner: httpcore2.NetworkBackend | None = None) -> None:
        self._addresses = addresses
        self._inner = inner or httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address that answers."""
        last: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                stream = self._inner.connect_tcp(
                    address, port, left(timeout), local_address=local_address, socket_options=socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
                continue
            return _Timed(stream)
        raise last


class _Timed(httpcore2.NetworkStream):
    """A stream on which no wait outlasts the call's deadline."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within what is left of the call's time."""
        return self._inner.read(max_bytes, left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within what is left of the call's time."""
        self._inner.write(buffer, left(timeout))

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Begin TLS under the URL's own host name."""
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """Return what the socket knows of itself."""
        return self._inner.get_extra_info(info)
