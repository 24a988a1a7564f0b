"""The shared HTTP client: time-outs, size limits, the SSRF guard, and every failure told as one of `domain.errors`.

The only module that imports httpx2. Proxies named in the environment are not used: behind one, the address that the
guard checked would not be the one that is reached.
"""

import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import metadata
from typing import Any, NoReturn, Self

import httpcore2
import httpx2

from connectors.answer import Answer, failure, host_of
from connectors.guard import Guard, Resolve, resolve
from connectors.wire import CONNECT_S, Backend, overdue, within
from domain.errors import OutcomeUnknown, Refused, Unavailable

MAX_BYTES = 10_000_000
MAX_REDIRECTS = 5
READ_S, TOTAL_S = 15.0, 30.0
_ERROR_BYTES = 4_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READS = frozenset({"GET", "HEAD"})


class Http:
    """The client that all connectors share; safe to use from several threads.

    `transport` stands in for the network in tests: it never connects, so the guard checks no address there.
    """

    def __init__(
        self,
        *,
        allow_private: Iterable[str] = (),
        lookup: Resolve = resolve,
        transport: httpx2.BaseTransport | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        total_s: float = TOTAL_S,
        read_s: float = READ_S,
    ) -> None:
        self._clock = clock
        self._total_s = total_s
        guard = Guard(allow_private=allow_private, lookup=lookup)
        # Two pools, so that a connection opened on an operator's word is never lent to a URL from outside.
        guarded = trusting = transport
        if guarded is None or trusting is None:
            tls = httpx2.create_ssl_context()
            guarded = _Pool(Backend(guard.addresses), tls=tls)
            trusting = _Pool(Backend(lookup), tls=tls)
        self._guarded = self._client(guarded, read_s=read_s)
        self._trusting = self._client(trusting, read_s=read_s)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        etag: str | None = None,
        modified: str | None = None,
        max_bytes: int = MAX_BYTES,
        trusted: str = "",
    ) -> Answer:
        """Fetch `url`, following at most 5 redirects; with `etag` or `modified` the answer may be `unchanged`.

        `trusted` is a URL from the operator's own files: its host and port, and no other, may be private. Raises
        `RateLimited`, `Unavailable`, `CredentialsRejected`, `Refused`.
        """
        sent = dict(headers or {})
        if etag:
            sent["If-None-Match"] = etag
        if modified:
            sent["If-Modified-Since"] = modified
        target = _parse(url).copy_merge_params(params) if params else _parse(url)
        with within(self._total_s):
            for _ in range(MAX_REDIRECTS + 1):
                answer = self._send("GET", target, headers=sent, max_bytes=max_bytes, trusted=trusted)
                if answer.status not in _REDIRECTS:
                    return answer
                onward = _onward(target, answer)
                if _origin(onward) != _origin(target):
                    # Another host must not be handed our tokens.
                    sent = {name: value for name, value in sent.items() if name.lower() == "accept"}
                target = onward
        raise Refused(f"{host_of(url)} redirects more than {MAX_REDIRECTS} times")

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        trusted: str = "",
    ) -> Answer:
        """Write: send `json_body` or `form`. Never repeated, never redirected.

        Raises `OutcomeUnknown` when the request may have been heard and no usable answer came; otherwise as `get`.
        """
        with within(self._total_s):
            answer = self._send(
                method,
                _parse(url),
                headers=dict(headers or {}),
                max_bytes=max_bytes,
                trusted=trusted,
                json_body=json_body,
                form=form,
            )
        if answer.status in _REDIRECTS:
            raise Refused(f"{host_of(url)} wants the request sent elsewhere; set base_url to its new address")
        return answer

    def close(self) -> None:
        """Close all connections."""
        self._guarded.close()
        self._trusting.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _client(transport: httpx2.BaseTransport, *, read_s: float) -> httpx2.Client:
        timeout = httpx2.Timeout(read_s, connect=CONNECT_S)
        client = httpx2.Client(
            transport=transport,
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            # One platform's cookies are nobody else's business, and no API here needs any.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )
        client.headers["User-Agent"] = user_agent()
        # Only what `_read` can decompress with a limit.
        client.headers["Accept-Encoding"] = "gzip"
        return client

    def _send(
        self,
        method: str,
        url: httpx2.URL,
        *,
        headers: Mapping[str, str],
        max_bytes: int,
        trusted: str,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        client = self._trusting if trusted and _origin(_parse(trusted))[1:] == _origin(url)[1:] else self._guarded
        writes = method not in _READS
        host = url.host
        try:
            request = client.build_request(method, url, headers=headers, json=json_body, data=form)
            response = client.send(request, stream=True)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            raise Unavailable(f"{host} cannot be reached: {_reason(error)}") from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise Unavailable(f"{host} cannot be reached: {_reason(error)}") from error
        except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpcore2.LocalProtocolError) as error:
            raise Refused(f"the request to {host} cannot be made: {_reason(error)}") from error
        except _LOST as error:
            _lost(host, error, writes=writes)
        try:
            body = _read(response, max_bytes=max_bytes)
        except _LOST as error:
            _lost(host, error, writes=writes)
        except Refused as error:
            if writes and response.is_success:
                raise OutcomeUnknown(str(error)) from error
            raise
        finally:
            response.close()
        answer = Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            url=str(url),
        )
        if answer.status < 300 or answer.status == 304 or answer.status in _REDIRECTS:
            return answer
        raise failure(answer, now=self._clock(), writes=writes)


_LOST = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpx2.TransportError,
    zlib.error,
)


def user_agent() -> str:
    """Return how we introduce ourselves: `Amends/<version>`."""
    try:
        return f"Amends/{metadata.version('amends')}"
    except metadata.PackageNotFoundError:
        return "Amends/0"


def _lost(host: str, error: Exception, *, writes: bool) -> NoReturn:
    if writes:
        raise OutcomeUnknown(f"the request was sent to {host} and no answer came: {_reason(error)}") from error
    raise Unavailable(f"{host} did not answer: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, httpcore2.TimeoutException | httpx2.TimeoutException):
        return "it took too long"
    return str(error) or type(error).__name__


def _read(response: httpx2.Response, *, max_bytes: int) -> bytes:
    """Read the body as it comes, at most `max_bytes` after decompression. More raises `Refused`."""
    if response.status_code in _REDIRECTS:
        return b""
    if response.is_closed:
        # A transport that stands in for the network may hand over a whole answer.
        if len(response.content) > max_bytes:
            raise Refused(f"the answer is larger than {max_bytes:,} bytes")
        return response.content
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise Refused(f"the answer is encoded as {coding[:40]!r}; only gzip was asked for")
    unpack = None if coding in ("identity", "") else zlib.decompressobj(wbits=47)
    body = bytearray()
    for chunk in _chunks(response):
        # One byte over the limit tells too much from just enough, and a bomb never unfolds further.
        body += unpack.decompress(chunk, max_bytes + 1 - len(body)) if unpack else chunk
        if response.is_error and len(body) > _ERROR_BYTES:
            return bytes(body)
        if len(body) > max_bytes:
            raise Refused(f"the answer is larger than {max_bytes:,} bytes")
    if unpack and body and not unpack.eof:
        raise zlib.error("the compressed answer is cut short")
    return bytes(body)


def _chunks(response: httpx2.Response) -> Iterator[bytes]:
    for chunk in response.iter_raw():
        if overdue():
            raise httpcore2.ReadTimeout("the answer took too long")
        yield chunk


def _parse(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError, ValueError) as error:
        raise Refused(f"{url[:200]!r} is not a URL") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Refused(f"{url[:200]!r}: only http:// and https:// addresses with a host are fetched")
    if parsed.userinfo:
        raise Refused(f"{parsed.host}: a URL may not carry a user name or password")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise Refused(f"{parsed.host}: there is no port {parsed.port}")
    return parsed


def _onward(here: httpx2.URL, answer: Answer) -> httpx2.URL:
    location = answer.headers.get("location", "")
    if not location:
        raise Refused(f"{here.host} redirects without saying where to")
    try:
        onward = here.join(location)
    except (httpx2.InvalidURL, ValueError) as error:
        raise Refused(f"{here.host} redirects to something that is not a URL") from error
    return _parse(str(onward))


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host.lower(), url.port or (443 if url.scheme == "https" else 80)


class _Pool(httpx2.BaseTransport):
    """httpx2's transport over our own network backend; the Host header and TLS name stay those of the URL."""

    def __init__(self, backend: httpcore2.NetworkBackend, *, tls: ssl.SSLContext) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=50,
            max_keepalive_connections=10,
            keepalive_expiry=5.0,
            network_backend=backend,
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises httpcore2's own errors, which `Http` translates."""
        assert isinstance(request.stream, httpx2.SyncByteStream)
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore2.Request(
            method=request.method,
            url=url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        answer = self._pool.handle_request(sent)
        assert isinstance(answer.stream, Iterable)
        return httpx2.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Stream(answer.stream),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()


class _Stream(httpx2.SyncByteStream):
    def __init__(self, inner: Iterable[bytes]) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner

    def close(self) -> None:
        close = getattr(self._inner, "close", None)
        if close is not None:
            close()
