"""The stand-in for the edge: Cloudflare's API and the Worker behind it, one process of ours on the loopback."""

import contextlib
import http.client
import json
import os
import time
import urllib.parse
from dataclasses import dataclass

from . import processes
from .gateway import Answer
from .places import BUILT, HOME

ACCOUNT, NAMESPACE, SCRIPT = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210", "countersign-edge"
TOKEN = "only-for-the-local-stack-0123456789abcdef"


@dataclass(frozen=True)
class Edge:
    cloudflare: str
    """Base URL of its Cloudflare API."""
    edge: str
    """Where clients, and key-sync's probe, reach the edge."""
    control: str
    """What no real edge has: see the program."""

    def stand_before(self, gateway, host):
        """Tells the edge for which gateway it signs. `gateway` is the URL under which `host` is reached."""
        self._control("PUT", "/gateway", {"url": gateway, "host": host, "prefix": "", "doors": True})

    def versions(self):
        """Ids of the Worker's versions, oldest first."""
        return self._control("GET", "/versions")

    def roll_back(self, version):
        self._control("POST", "/rollback", {"version": version})

    def fail(self, matching, fault, times=None):
        """Breaks calls of Cloudflare's API whose method and path contain `matching`."""
        self._control("POST", "/fail", {"matching": matching, "fault": fault, "times": times})

    def recover(self):
        self._control("POST", "/recover", {})

    def published(self, name):
        """The value that KV has under a name; None where it has none."""
        stored = self._control("GET", f"/kv?{name}")
        return stored and json.loads(stored["value"])

    def values(self):
        """All values that KV has."""
        return [self.published(name) for name in self._control("GET", "/kv")]

    def send_logs(self):
        """Has the edge send its log lines to the gateway; returns what that answered."""
        return self._control("POST", "/logs", {})

    def ask(self, path, raw_key, *, method="GET", body=None, headers=None):
        """The answer to a client's request."""
        return _call(self.edge, method, path, body, (headers or {}) | {"x-api-key": raw_key})

    def _control(self, method, path, body=None):
        answer = _call(self.control, method, path, None if body is None else json.dumps(body))
        if answer.status not in (200, 204, 404):
            raise processes.Failed(f"edge stand-in: {method} {path}: {answer.status}")
        return json.loads(answer.body) if answer.status == 200 else None


def start(name):
    """Starts the stand-in; returns it and its process group."""
    environment = {"PATH": os.environ["PATH"], "CLOUDFLARE_ACCOUNT": ACCOUNT, "CLOUDFLARE_TOKEN": TOKEN}
    environment |= {"CLOUDFLARE_NAMESPACE": NAMESPACE, "CLOUDFLARE_SCRIPT": SCRIPT}
    told = {}

    def ready():
        with contextlib.suppress(ValueError, IndexError):
            told.update(json.loads((HOME / "logs" / f"{name}.log").read_text().splitlines()[0]))
        return bool(told)

    group = processes.start(name, [BUILT / "edge-stand-in"], ready, environment=environment)
    return Edge(**told), group


def _call(url, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    begun = time.perf_counter()
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, received, response.read(), (time.perf_counter() - begun) * 1000)
    finally:
        connection.close()
