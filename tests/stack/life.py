"""A rotation while clients send without pause, and what becomes of keys and a route meanwhile: how soon it is known.

The edge knows when Cloudflare's KV has it; a real one takes up to another minute for its own cache. The authorizer is
asked straight through the gateway, by requests that are signed as the edge's, so the edge cannot speak for it.
"""

import collections
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import craft, key_sync, moves, seed
from . import stack as stacks
from .gateway import send

CLIENTS = 4
ROTATION = 60
"""Seconds that a rotation may take; 15 of them it waits, so that every authorizer knows the new key."""
EDGE = 5
"""Seconds after which a change must be written to KV."""
AUTHORIZER = 31
"""Seconds after which the authorizer must know it: 30, and one for the clocks."""


@dataclass(frozen=True)
class Rotation:
    seconds: float
    before: str
    after: str
    """VersionIds of the keys."""
    answers: dict[int, int]
    """How many requests were answered with each status, from before the rotation until after it."""


@dataclass(frozen=True)
class Change:
    what: str
    edge: float
    authorizer: float
    """Seconds from the write to the table."""


@dataclass
class Life:
    rotation: Rotation | None = None
    changes: list[Change] = field(default_factory=list)
    move: moves.Move | None = None


def run(stack):
    """One rotation, the lives of four keys, and a route that is moved, side by side."""
    with ThreadPoolExecutor(2 + len(CHANGES)) as threads:
        rotation = threads.submit(rotate_under_traffic, stack)
        changes = [threads.submit(change, stack, what) for what in CHANGES]
        move = threads.submit(moves.move_under_traffic, stack)
        return Life(rotation.result(), [each.result() for each in changes], move.result())


# ---- The rotation -----------------------------------------------------------------------------------------


def rotate_under_traffic(stack):
    real = stack.outputs[stacks.SYNCED]
    before = key_sync.labels(stack.port, real)["AWSCURRENT"]
    with _traffic(stack) as answers:
        _until_more(answers)
        after = key_sync.rotate(stack.port, real)
        seconds = key_sync.until(lambda: _is_over(stack.port, real, after), ROTATION, "the rotation's end")
        _until_more(answers)
    return Rotation(seconds, before, after, dict(answers))


def _is_over(port, real, version):
    labels = key_sync.labels(port, real)
    return labels["AWSCURRENT"] == version and "AWSPENDING" not in labels


@contextlib.contextmanager
def _traffic(stack):
    """Clients of the edge, each sending its next request as soon as it has the answer to the last."""
    answers, over = collections.Counter(), threading.Event()

    def client():
        while not over.is_set():
            answers[stack.edge.ask("/items", stack.keys["good"]).status] += 1

    with ThreadPoolExecutor(CLIENTS) as clients:
        sent = [clients.submit(client) for _ in range(CLIENTS)]
        try:
            yield answers
        finally:
            over.set()
        for each in sent:
            each.result()


def _until_more(answers, requests=2 * CLIENTS):
    wanted = answers.total() + requests
    key_sync.until(lambda: answers.total() >= wanted, 30, "requests go through the edge")


# ---- Keys -------------------------------------------------------------------------------------------------

ACTIVE = {"status": "active", "grants": ["GET /items"], "principal": "customer-living", "name": "living"}
CHANGES = {
    "created": None,
    "granted less": {"grants": ["GET /elsewhere"]},
    "suspended": {"status": "suspended", "reason": "unpaid"},
    "revoked": {"status": "revoked"},
}
"""What is changed of a key that is in use; None: there was no such key."""


def change(stack, what):
    """Makes one change to a key of its own, and waits until edge and authorizer know."""
    key = _Key(stack, f"living-{what.replace(' ', '-')}")
    changed = CHANGES[what]
    if changed is not None:
        key.write({})
        key_sync.until(lambda: key.at_the_gateway() == 200, EDGE, "a key in use")
        key_sync.until(lambda: key.at_the_edge() == key.version, EDGE + 1, "a key at the edge")
    since = key.write(changed or {})
    with ThreadPoolExecutor() as threads:
        authorizer = threads.submit(_until_none_forgets, key, 403 if changed else 200, since)
        key_sync.until(lambda: key.at_the_edge() == key.version, EDGE, f"at the edge, a key {what}")
        return Change(what, time.monotonic() - since, authorizer.result())


def _until_none_forgets(key, expected, since):
    """When the old answer was given for the last time: there are several environments, each with its memory."""
    last = since
    while (now := time.monotonic()) < since + AUTHORIZER:
        if key.at_the_gateway() != expected:
            last = now
        time.sleep(0.25)
    assert key.at_the_gateway() == expected, f"{key.name}: not {expected} after {AUTHORIZER} s"
    return last - since


class _Key:
    def __init__(self, stack, name):
        self.stack, self.name, self.raw = stack, name, seed.raw_key()
        self.api = stack.apis["synced"]
        self.version = 0

    def write(self, changes):
        """Writes the record as an operator would; returns when."""
        table = self.stack.outputs[stacks.SYNCED]["KeyTableName"]
        self.version = max(self.version + 1, int(time.time() * 1000))
        record = ACTIVE | {"key_id": f"id-{self.name}", "version": self.version} | changes
        seed.put(self.stack.port, table, f"key#{seed.key_hash(self.raw)}", record)
        return time.monotonic()

    def at_the_edge(self):
        """The version that the edge goes by."""
        published = self.stack.edge.published(f"key:{seed.key_hash(self.raw)}")
        return published and published["version"]

    def at_the_gateway(self):
        return send(self.stack.port, self.api, craft.signed(self.api, key=self.raw)).status


def tell(life):
    """Prints what was measured."""
    rotation = life.rotation
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(rotation.answers.items()))
    print(f"""
  A rotation of the signing secret, with {CLIENTS} clients sending through the edge all the while
    from key      {rotation.before}
    to key        {rotation.after}
    took          {rotation.seconds:.1f} s
    answers       {answers}

  What becomes of a key: seconds from the write to the table until it was in KV for the edge, and until the last
  environment of the authorizer had forgotten the old record
    {"":14}{"edge":>8}{"authorizer":>12}""")
    for each in life.changes:
        print(f"    {each.what:14}{each.edge:8.1f}{each.authorizer:12.1f}")
    moves.tell(life.move)


def holds(life):
    return set(life.rotation.answers) == {200} and life.move.holds


def awaken(stack):
    """Waits until the edge signs with the current key: the first push takes until every authorizer may know it."""
    real = stack.outputs[stacks.SYNCED]

    def proved():
        pushed = key_sync.job(stack.port, real, "status")["rotation"].get("pushed", {})
        return pushed.get("proved") is not None

    return key_sync.until(proved, ROTATION, "the first push of signing keys")
