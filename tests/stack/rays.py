"""One request in three logs: what the edge, the authorizer and the forwarder wrote about it, found by its ray."""

import json
from dataclasses import dataclass
from typing import Any

from . import key_sync
from . import stack as stacks
from .gateway import Audit


@dataclass(frozen=True)
class Trace:
    ray: str
    edge: dict[str, Any]
    authorizer: dict[str, Any]
    forwarder: dict[str, Any]


def follow(stack):
    """Sends a request through the edge, has the edge send its log, and looks for the three lines."""
    answer = stack.edge.ask("/items", stack.keys["good"])
    assert answer.status == 200, answer
    ray, real = answer.headers["cf-ray"], stack.outputs[stacks.SYNCED]
    sent = stack.edge.send_logs()
    assert sent["status"] == 200 and json.loads(sent["body"])["refused"] == 0, sent
    audit, found = Audit(stack.port), {}

    def complete():
        found["authorizer"] = _lines(audit, real["AuthorizerLogGroup"], ray)
        behind = _lines(audit, real["ForwarderLogGroup"], ray)
        found["edge"] = [line for line in behind if "edge" in line]
        found["forwarder"] = [line for line in behind if "outcome" in line]
        return all(found.values())

    key_sync.until(complete, 5, f"lines with the ray {ray}")
    assert all(len(lines) == 1 for lines in found.values()), found
    return Trace(ray, **{who: line for who, [line] in found.items()})


def _lines(audit, group, ray):
    return [json.loads(message) for message in audit.messages(group) if f'"ray":"{ray}"' in message]


def tell(trace):
    told = {
        "edge": (trace.edge, ("method", "path", "status")),
        "authorizer": (trace.authorizer, ("outcome", "key_id", "request_id", "Duration")),
        "forwarder": (trace.forwarder, ("outcome", "key_id", "request_id", "backend", "status", "ForwardDuration")),
    }
    print(f"\n  One request in three logs, by its ray {trace.ray}")
    for who, (line, members) in told.items():
        print(f"    {who:12}" + "  ".join(f"{name} {line.get(name)}" for name in members))
