"""What becomes of a key that changes in the table: how soon KV has it, and how soon edge and authorizer go by it.

The authorizer is asked straight through the gateway, by requests that are signed as the edge's, so that neither of the
two speaks for the other.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import craft, key_sync, seed
from . import stack as stacks
from .gateway import send

KV = 5
"""Seconds after which a change must be written to KV. A real one takes up to another minute until all of the edge reads
it."""
EDGE = 36
"""Seconds after which the edge must go by it: 30 that it remembers a record, those for KV, and one for the clocks."""
AUTHORIZER = 31
"""Seconds after which every authorizer must go by it: 30, and one for the clocks."""
PAUSE = 0.4
"""Seconds between two looks."""

ACTIVE = {"status": "active", "grants": ["GET /items"], "principal": "customer-living", "name": "living"}


@dataclass(frozen=True)
class Kind:
    members: dict | None
    """What is changed of a key that is in use; None: there was no such key."""
    edge: int | None
    """What a client of the edge is answered once that goes by it; None: it has no say in it."""
    gateway: int
    """The same at the gateway."""


KINDS = {
    "created": Kind(None, 200, 200),
    "granted less": Kind({"grants": ["GET /elsewhere"]}, None, 403),
    "suspended": Kind({"status": "suspended", "reason": "unpaid"}, 401, 403),
    "revoked": Kind({"status": "revoked"}, 401, 403),
}


@dataclass(frozen=True)
class Change:
    """Seconds from the write to the table."""

    what: str
    kv: float
    edge: float | None
    authorizer: float

    @property
    def holds(self):
        return self.kv <= KV and (self.edge or 0) <= EDGE and self.authorizer <= AUTHORIZER


def change(stack, what):
    """Makes one change to a key of its own, and waits until all have noticed."""
    key, kind = _Key(stack, f"living-{what.replace(' ', '-')}"), KINDS[what]
    if kind.members is not None:
        key.write({})
        key_sync.until(lambda: key.at_the_gateway() == key.at_the_edge() == 200, KV, "a key in use")
        key_sync.until(lambda: key.in_kv() == key.version, KV, "a key in KV")
    since = key.write(kind.members or {})
    with ThreadPoolExecutor(2) as threads:
        authorizer = threads.submit(_until_none_forgets, key, kind.gateway, since)
        edge = threads.submit(_until_it_knows, key, kind.edge, since)
        key_sync.until(lambda: key.in_kv() == key.version, KV, f"in KV, a key {what}")
        return Change(what, time.monotonic() - since, edge.result(), authorizer.result())


def _until_it_knows(key, expected, since):
    if expected is None:
        return None
    key_sync.until(lambda: key.at_the_edge() == expected, EDGE, f"{expected} from the edge for {key.name}", PAUSE)
    return time.monotonic() - since


def _until_none_forgets(key, expected, since):
    """When the old answer was given for the last time: there are several environments, each with its memory."""
    last = since
    while (now := time.monotonic()) < since + AUTHORIZER:
        if key.at_the_gateway() != expected:
            last = now
        time.sleep(PAUSE)
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

    def in_kv(self):
        """The version that KV has."""
        published = self.stack.edge.published(f"key:{seed.key_hash(self.raw)}")
        return published and published["version"]

    def at_the_edge(self):
        return self.stack.edge.ask("/items", self.raw).status

    def at_the_gateway(self):
        return send(self.stack.port, self.api, craft.signed(self.api, key=self.raw)).status


def tell(changes):
    print(f"""
  What becomes of a key: seconds from the write to the table until it was in KV, until the edge went by it, and until
  the last environment of the authorizer did. A client is refused by whoever knows first
    {"":14}{"KV":>6}{"edge":>8}{"authorizer":>12}""")
    for each in changes:
        edge = "-" if each.edge is None else f"{each.edge:.1f}"
        print(f"    {each.what:14}{each.kv:6.1f}{edge:>8}{each.authorizer:12.1f}")
