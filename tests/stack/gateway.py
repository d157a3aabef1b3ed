"""The two ends of a request: sends it to an API as it is, and reads what the authorizer logged about it."""

import collections
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
    """Reads log groups, and what was read once is not asked for again.

    Audit lines are told from others by their `outcome`, and from the edge's by its name.
    """

    def __init__(self, port):
        self._logs = ministack.client("logs", port)
        self._groups = {}
        self._told = {}

    def new_lines(self, group, *, wait=0.0):
        """The group's audit lines since the last call; waits up to `wait` seconds for the first one."""
        deadline = time.monotonic() + wait
        while True:
            lines = self.all_lines(group)
            new = lines[self._told.get(group, 0) :]
            if new or time.monotonic() >= deadline:
                self._told[group] = len(lines)
                return new
            time.sleep(0.05)

    def all_lines(self, group):
        parsed = (self._parsed(message) for message in self.messages(group))
        lines = (line for line in parsed if isinstance(line, dict) and "edge" not in line)
        return [line for line in lines if "outcome" in line and "code" in line]

    def messages(self, group):
        """Everything that the functions of a group wrote, line by line."""
        known = self._groups.setdefault(group, _Group())
        since = known.until - OVERLAP
        try:
            while len(events := self._events(group, since)) == PAGE:
                known.add(events)
                since = known.until
            known.add(events)
        except self._logs.exceptions.ResourceNotFoundException:
            pass
        return known.messages

    def _events(self, group, since):
        """The emulator gives one page, and no token for the next."""
        return self._logs.filter_log_events(logGroupName=group, startTime=max(since, 0), limit=PAGE)["events"]

    @staticmethod
    def _parsed(message):
        try:
            return json.loads(message)
        except ValueError:
            return None


PAGE = 10_000
OVERLAP = 5_000
"""Milliseconds: what is written at the same time may be seen one after another."""


class _Group:
    """What is known of a log group. The emulator has a stream for each invocation, all of it with one time."""

    def __init__(self):
        self.messages = []
        self.until = 0
        self._seen = set()

    def add(self, events):
        within = collections.Counter()
        for event in events:
            stream = event["logStreamName"]
            within[stream] += 1
            if (stream, within[stream]) not in self._seen:
                self._seen.add((stream, within[stream]))
                self.messages.append(event["message"].rstrip("\n"))
                self.until = max(self.until, event["timestamp"])
