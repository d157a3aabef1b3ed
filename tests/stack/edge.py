"""The edge: the real Worker in workerd, Cloudflare's API and its front door, all of it started by one process of ours.

Everything is on the loopback interface. What the Worker fetches goes to the emulator, whatever its URL says, or to the
port of this machine that it names.
"""

import contextlib
import http.client
import json
import os
import subprocess
import time
import urllib.parse
from dataclasses import dataclass

from . import processes
from .gateway import Answer, Request
from .places import BUILT, HOME, NODE, WORKER

ACCOUNT, NAMESPACE, SCRIPT = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210", "countersign-edge"
TOKEN = "only-for-the-local-stack-0123456789abcdef"
TIER, EXACT = "bronze", "exact"
TIERS = {
    TIER: {"binding": "TIER_BRONZE", "limit": 5, "period": 10},
    EXACT: {"object": "LIMITS", "limit": 3, "period": 60},
}
"""A rate limit, and one that Durable Objects count."""
OLD = "old"
"""The origin that is no gateway: the API as it was before."""


@dataclass(frozen=True)
class Edge:
    cloudflare: str
    """Base URL of its Cloudflare API."""
    edge: str
    """Where clients, and key-sync's probe, reach the edge."""
    control: str
    """What no real edge has: see the program."""

    def stand_before(self, gateway, host, old):
        """Deploys the Worker before a gateway, which answers for `host` at `gateway`, and an API that is at `old`."""
        origins = {"api": {"url": f"https://{host}", "kind": "gateway"}, OLD: {"url": old, "kind": "public"}}
        variables = {
            "ORIGINS": json.dumps(origins),
            "TIERS": json.dumps(TIERS),
            "API_KEY_NAMES": "x-api-key,apikey",
            "API_KEY_PLACES": "header,query",
        }
        where = {"url": gateway, "host": host, "prefix": "", "doors": True}
        self._control("PUT", "/gateway", where | {"variables": variables})

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

    def said(self):
        """What the Worker has told a log of its own; the lines of requests go through the gateway's door."""
        return self._control("GET", "/said")

    def ask(self, target, raw_key=None, *, method="GET", body=None, headers=None):
        """The answer to a client's request."""
        key = {} if raw_key is None else {"x-api-key": raw_key}
        return self.send(Request(method, target, (headers or {}) | key, body))

    def send(self, request):
        """The answer to a client's request; its `cf-ray` names it in every log."""
        return _call(self.edge, request)

    def _control(self, method, path, body=None):
        answer = _call(self.control, Request(method, path, body=None if body is None else json.dumps(body).encode()))
        if answer.status not in (200, 204, 404):
            raise processes.Failed(f"edge: {method} {path}: {answer.status}")
        return json.loads(answer.body) if answer.status == 200 else None


def start(name):
    """Starts it, without a Worker yet; returns it and its process group."""
    environment = {"PATH": os.environ["PATH"], "CLOUDFLARE_ACCOUNT": ACCOUNT, "CLOUDFLARE_TOKEN": TOKEN}
    environment |= {"CLOUDFLARE_NAMESPACE": NAMESPACE, "CLOUDFLARE_SCRIPT": SCRIPT}
    environment |= {"COUNTERSIGN_WORKERD": _workerd(), "COUNTERSIGN_WORKER_BUNDLE": str(_bundle())}
    told = {}

    def ready():
        with contextlib.suppress(ValueError, IndexError):
            told.update(json.loads((HOME / "logs" / f"{name}.log").read_text().splitlines()[0]))
        return bool(told)

    group = processes.start(name, [BUILT / "edge-stand-in"], ready, environment=environment)
    return Edge(**told), group


def _workerd():
    """The one that the Worker's own tests run in."""
    command = [NODE, "-p", "require('workerd').default"]
    found = subprocess.run(command, cwd=WORKER, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise processes.Failed(f"{WORKER} has no workerd: run `make build`\n{found.stderr}")
    return found.stdout.strip()


def _bundle():
    bundle = WORKER / "node_modules" / ".bundle" / "worker.js"
    if not bundle.is_file():
        raise processes.Failed(f"{bundle} is not there: run `make build`")
    return bundle


def _call(url, request):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    begun = time.perf_counter()
    try:
        connection.request(request.method, request.target, request.body, request.headers)
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, received, response.read(), (time.perf_counter() - begun) * 1000)
    finally:
        connection.close()
