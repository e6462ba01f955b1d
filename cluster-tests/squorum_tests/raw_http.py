"""HTTP over bare sockets, for requests and hang-ups that no HTTP library would make."""

import json
import socket
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from squorum_tests.query_model import NAMESPACE

RECEIVE_BYTES = 65536
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, "
    "SignedHeaders=host, Signature=00"
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def error_type(self) -> str:
        """The error's shape without its namespace."""
        return self.json["__type"].split("#")[-1]

    @property
    def xml(self) -> ElementTree.Element:
        """The root of an answer of the Query protocol."""
        return ElementTree.fromstring(self.body)

    def xml_text(self, path: str) -> str | None:
        """The text of an element of a Query answer, its namespace apart; None if it is not there."""
        steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
        return self.xml.findtext(steps)


def request_bytes(action: str, payload: dict | bytes | str, **headers: str) -> bytes:
    """A JSON 1.0 request. A header given as "" is left out; underscores in names become dashes."""
    if isinstance(payload, dict):
        payload = json.dumps(payload)
    body = payload.encode() if isinstance(payload, str) else payload
    fields = {
        "Host": "localhost",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"AmazonSQS.{action}",
        "Authorization": AUTHORIZATION,
        "Content-Length": str(len(body)),
    }
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value != ""]
    return "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode() + body


def query_bytes(path: str, fields: dict[str, str], method: str = "POST", **headers: str) -> bytes:
    """A request of the Query protocol: a form, or with "GET" everything in the path's query."""
    form = urllib.parse.urlencode(fields)
    body = form if method == "POST" else ""
    head = {
        "Host": "localhost",
        "Content-Type": "application/x-www-form-urlencoded" if method == "POST" else "",
        "Authorization": AUTHORIZATION,
        "Content-Length": str(len(body)) if method == "POST" else "",
    }
    head.update({name.replace("_", "-"): value for name, value in headers.items()})
    target = path if method == "POST" or not form else f"{path}?{form}"
    lines = [f"{name}: {value}" for name, value in head.items() if value != ""]
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode() + body.encode()


class RawConnection:
    """One TCP connection. Reading gives up after `timeout_seconds`. A `narrow` one takes little that
    is not read: kernels size the sender's buffer, too, by the segments that it announces."""

    def __init__(
        self,
        port: int,
        timeout_seconds: float = 15.0,
        narrow: bool = False,
        host: str = "127.0.0.1",
    ):
        self.socket = socket.socket()
        if narrow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.settimeout(timeout_seconds)
        self.socket.connect((host, port))
        self._buffered = b""

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def call(self, action: str, payload: dict | bytes | str, **headers: str) -> Answer:
        self.send(request_bytes(action, payload, **headers))
        return self.read_answer()

    def query(
        self, path: str, fields: dict[str, str], method: str = "POST", **headers: str
    ) -> Answer:
        self.send(query_bytes(path, fields, method, **headers))
        return self.read_answer()

    def read_answer(self) -> Answer:
        while b"\r\n\r\n" not in self._buffered:
            self._read_more()
        head, self._buffered = self._buffered.split(b"\r\n\r\n", 1)
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(self._buffered) < length:
            self._read_more()
        body, self._buffered = self._buffered[:length], self._buffered[length:]
        return Answer(int(status_line.split()[1]), headers, body)

    def is_closed_within(self, seconds: float) -> bool:
        """Whether the server ends the connection in time, whatever it says before."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if self.socket.recv(RECEIVE_BYTES) == b"":
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    def _read_more(self) -> None:
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("closed by the server")
        self._buffered += data
