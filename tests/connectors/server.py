"""A small HTTP server on loopback that answers as a test tells it to."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True, kw_only=True)
class Response:
    """What to answer; `delay_s` before the first byte, `drip_s` between bytes, `cut` closes before the end."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    drip_s: float = 0.0
    cut: bool = False


@dataclass(slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Handler = Callable[[Asked], Response]


class LocalServer:
    """Answers by `paths`; what is not there is 404. `asked` keeps every request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[Asked] = []
        self.paths: dict[str, Response | Handler] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> Response:
        self.asked.append(asked)
        told = self.paths.get(asked.path.partition("?")[0], Response(status=404))
        return told if isinstance(told, Response) else told(asked)


@contextmanager
def serving() -> Iterator[LocalServer]:
    """Run a server on a free port of 127.0.0.1 until the block ends."""

    class Speaker(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _speak(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = local.answer(Asked(method=self.command, path=self.path, headers=headers, body=body))
            time.sleep(told.delay_s)
            if told.cut and not told.body:
                self.close_connection = True
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body) + (10 if told.cut else 0)))
            self.end_headers()
            self._write(told)
            self.close_connection = told.cut

        def _write(self, told: Response) -> None:
            pieces = [told.body[i : i + 1] for i in range(len(told.body))] if told.drip_s else [told.body]
            try:
                for piece in pieces:
                    self.wfile.write(piece)
                    time.sleep(told.drip_s)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = do_PUT = _speak

        def log_message(self, *_: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return

    server = Quiet(("127.0.0.1", 0), Speaker)
    local = LocalServer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield local
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
