"""Requests to the edge to make by hand, with what each must get: `make up` prints them, the suite tries them."""

from dataclasses import dataclass

from . import craft, seed


@dataclass(frozen=True)
class Line:
    status: int
    what: str
    command: str


def edge_lines(edge, keys):
    """Curl lines for the edge at this URL."""
    good, body = keys["good"], f" -d '{craft.BODY.decode()}'"

    def line(status, what, target, key=None, more=""):
        header = f" -H 'x-api-key: {key}'" if key else ""
        return Line(status, what, f"curl -i{header}{more} {edge}{target}")

    yield line(200, "a good key", "/items/staying", good)
    yield line(401, "no key", "/items")
    yield line(401, "a key that nobody has", "/items", seed.raw_key())
    yield line(401, "a revoked key", "/items", keys["revoked"])
    yield line(403, "a path that the key does not grant: refused by the authorizer", "/admin", good)
    yield line(200, "a body: signed by the edge, checked by the forwarder", "/items", good, body)
    yield line(404, "what is for the edge alone", "/.countersign/probe", good)
