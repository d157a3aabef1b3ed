"""Requests in three logs: what the edge, the authorizer and the forwarder wrote about each, found by its ray."""

import collections
import json
from dataclasses import dataclass
from typing import Any

from . import key_sync
from .gateway import Audit

PATIENCE = 20
"""Seconds that lines may take: the edge's leave some 5 s after the first of a batch."""


@dataclass(frozen=True)
class Trace:
    """One request's lines; None: that one wrote none."""

    edge: dict[str, Any]
    authorizer: dict[str, Any] | None
    forwarder: dict[str, Any] | None

    @property
    def is_one(self):
        """Whether the lines agree about what they are of."""
        behind = [line for line in (self.authorizer, self.forwarder) if line is not None]
        members = ("request_id", "key_id", "issuer", "edge_keyid", "client_ip")
        return all(line.get(member) == self.edge.get(member) for line in behind for member in members)


def gather(port, real, rays):
    """The traces of requests, once the edge has told of each; a line that is there twice is an error."""
    audit, wanted, edge = Audit(port), set(rays), {}

    def complete():
        edge.update(_by_ray(edge_lines(audit, real), wanted))
        return set(edge) == wanted

    key_sync.until(complete, PATIENCE, "the edge's lines", pause=0.5)
    behind = (audit.all_lines(real[f"{who}LogGroup"]) for who in ("Authorizer", "Forwarder"))
    authorizer, forwarder = (_by_ray(lines, wanted) for lines in behind)
    return {ray: Trace(edge[ray], authorizer.get(ray), forwarder.get(ray)) for ray in wanted}


def edge_lines(audit, real):
    """What the edge has told of requests: its lines are in the forwarder's log group, among that one's own."""
    messages = audit.messages(real["ForwarderLogGroup"])
    return [json.loads(message) for message in messages if message.startswith('{"edge":"worker","status"')]


def _by_ray(lines, wanted):
    found = [(line["ray"], line) for line in lines if line.get("ray") in wanted]
    twice = [ray for ray, number in collections.Counter(ray for ray, _ in found).items() if number > 1]
    assert not twice, twice
    return dict(found)


def tell(trace):
    """Prints a request's lines."""
    told = {
        "edge": (trace.edge, ("outcome", "key_id", "request_id", "status")),
        "authorizer": (trace.authorizer, ("outcome", "key_id", "request_id", "Duration")),
        "forwarder": (trace.forwarder, ("outcome", "key_id", "request_id", "backend", "status", "ForwardDuration")),
    }
    print(f"\n  One request in three logs, by its ray {trace.edge['ray']}")
    for who, (line, members) in told.items():
        print(f"    {who:12}" + "  ".join(f"{name} {line.get(name)}" for name in members))
