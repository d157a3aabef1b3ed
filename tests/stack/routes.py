"""Routes of the table, as an operator writes them: what the edge and the forwarder do with a request, by its path."""

import time

from . import edge, seed

AT_THE_EDGE = 16
"""Seconds after which the edge must know a changed route: 10, five for KV, and one for the clocks."""
AT_THE_FORWARDER = 31
"""The same for every forwarder: 30, and one for the clocks."""

ROUTES = {
    "moving": {"match": {"path": ["/items/moving"]}, "backend": "north"},
    "staying": {"match": {"path": ["/items/staying"]}, "backend": "south"},
    "function": {"match": {"path": ["/items/function"]}, "backend": "function"},
    "nowhere": {"match": {"path": ["/items/nowhere"]}, "backend": "unlisted"},
    "closed": {"match": {"path": ["/items/closed"]}, "backend": "north", "deny_cidrs": ["203.0.113.0/24"]},
    "browser": {
        "match": {"path": ["/items/browser"]},
        "cors": {"origins": ["https://app.example.com"], "methods": ["GET"], "max_age": 600},
    },
    "limited": {"match": {"path": ["/items/limited"]}},
    "exact": {"match": {"path": ["/items/exact"]}, "rate_limit": edge.EXACT},
    "migrating": {"match": {"path": ["/old/*"]}, "origin": edge.OLD, "mode": "enforce"},
}
"""Records by id, as they are from the start."""


def put_all(port, real):
    for name in ROUTES:
        change(port, real, name)


def change(port, real, name, **members):
    """Writes a route's record as it was at the start, but for these members; returns when."""
    record = ROUTES[name] | members | {"version": int(time.time() * 1000)}
    seed.put(port, real["KeyTableName"], f"route#{name}", record)
    return time.monotonic()
