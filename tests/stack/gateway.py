"""The two ends of a request: sends it to an API as it is, and reads what the authorizer logged about it."""

import http.client
import json
import time
from dataclasses import dataclass, field

from . import ministack
from .sign import SigningKey

WEBSOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "Y291bnRlcnNpZ24gaXMgb2s=",
}


@dataclass(frozen=True)
class Api:
    kind: str
    """How tables name it."""
    host: str
    base: str
    """What comes before the path on the wire: the stage, if it is in the path."""
    logs: str
    """Log group of the authorizer before it."""
    key: SigningKey | None = None
    """What its edge signs with."""

    @property
    def is_websocket(self):
        return self.kind == "WebSocket"


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    milliseconds: float


def send(port, api, request):
    """Sends a request; nothing is added to its headers but Host, the body's length and a WebSocket's upgrade."""
    headers = request.headers | (WEBSOCKET if api.is_websocket else {})
    if request.body is not None:
        headers = headers | {"content-length": str(len(request.body))}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    begun = time.perf_counter()
    try:
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("host", api.host)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(request.body)
        response = connection.getresponse()
        body = b"" if response.status == http.client.SWITCHING_PROTOCOLS else response.read()
    finally:
        connection.close()
    milliseconds = (time.perf_counter() - begun) * 1000
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body, milliseconds)


class Audit:
    """Reads each audit line once. Lines are told from others by their `outcome`."""

    def __init__(self, port):
        self._logs = ministack.client("logs", port)
        self._read = {}

    def new_lines(self, group, *, wait=0.0):
        """The group's lines since the last call; waits up to `wait` seconds for the first one."""
        deadline = time.monotonic() + wait
        while True:
            lines = self.all_lines(group)
            new = lines[self._read.get(group, 0) :]
            if new or time.monotonic() >= deadline:
                self._read[group] = len(lines)
                return new
            time.sleep(0.05)

    def all_lines(self, group):
        parsed = (self._parsed(message) for message in self.messages(group))
        return [line for line in parsed if isinstance(line, dict) and "outcome" in line and "code" in line]

    def messages(self, group):
        """Everything that the functions of a group wrote, line by line."""
        try:
            pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            return [event["message"].rstrip("\n") for page in pages for event in page["events"]]
        except self._logs.exceptions.ResourceNotFoundException:
            return []

    @staticmethod
    def _parsed(message):
        try:
            return json.loads(message)
        except ValueError:
            return None
