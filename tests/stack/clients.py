"""What clients send to the edge, and what must become of it at both ends.

`edge` is the code of the edge's line, `authorizer` and `forwarder` are those of the lines with the same ray behind it;
None: that one was not asked.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import craft, issuer, seed
from .gateway import Request

LONG_BODY = b"kettle " * 170_000
"""Longer than what the edge reads and signs (DIGEST_LIMIT)."""
FORGED = {
    "edge-key": "0" * 64,
    "edge-role": "admin",
    "edge-client": 'ip="198.51.100.9"',
    "signature-input": 'edge=("@method");tag="countersign"',
    "signature": "edge=:AAAA:",
    "x-consumer-username": "root",
    "x-http-method-override": "DELETE",
    "x-amzn-oidc-data": "root",
}
"""What only the edge, or API Gateway, may say."""
PREFLIGHT = {"origin": "https://app.example.com", "access-control-request-method": "GET"}


@dataclass(frozen=True)
class Case:
    what: str
    edge: str
    authorizer: str | None
    forwarder: str | None
    status: int
    request: Callable[[], Request]


def cases(stack):
    yield from _keys(stack.keys)
    yield from _tokens(stack)
    yield from _requests(stack.keys["good"])
    yield from _targets(stack.keys["good"])


def _forwarded(what, request, edge="allow"):
    return Case(what, edge, "allow", "forwarded", 200, request)


def _refused(what, code, status, request):
    """By the edge, so the gateway is not called."""
    return Case(what, code, None, None, status, request)


def _get(target="/items", key=None, **headers):
    """A request whose header names have `_` for `-`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | ({"x-api-key": key} if key else {})
    return lambda: Request("GET", target, sent)


def _keys(keys):
    yield _forwarded("good key", _get(key=keys["good"]))
    yield _forwarded("good key in the query, as Kong takes it", _get(f"/items?apikey={keys['good']}&page=2"))
    yield _refused("no key", "caller_missing", 401, _get())
    yield _refused("unknown key", "key_unknown", 401, _get(key=seed.raw_key()))
    yield _refused("key with a typing error", "key_malformed", 401, _get(key=_mistyped(keys["good"])))
    for state in ("suspended", "disabled", "expired", "revoked"):
        yield _refused(f"{state} key", f"key_{state}", 401, _get(key=keys[state]))
    yield _refused("key bound to other addresses", "key_address", 403, _get(key=keys["bound"]))
    ungranted = _get("/items/1", keys["reader"])
    yield Case("key without a grant for the path", "allow", "grant_missing", None, 403, ungranted)


def _mistyped(key):
    return key[:-1] + ("0" if key[-1] != "0" else "1")


def _tokens(stack):
    def token(resource="rs256"):
        return issuer.token(stack.issuer_port, resource, "items:read")

    def bearing(make, **headers):
        return lambda: Request("GET", "/items", {"authorization": f"Bearer {make()}"} | headers)

    yield _forwarded("token of the OIDC provider", bearing(token))
    yield _refused("token expired", "token_expired", 401, bearing(lambda: token("expired")))
    forged = bearing(lambda: craft.stranger_signed_token(token()))
    yield _refused("token signed by a stranger", "token_signature", 401, forged)
    changed = bearing(lambda: craft.altered_token(token(), sub="root"))
    yield _refused("token, claims changed", "token_signature", 401, changed)
    unknown = bearing(lambda: craft.altered_token(token(), iss="https://login.example.net"))
    yield _refused("token of an unknown issuer", "token_issuer_unknown", 401, unknown)
    revoked = bearing(token, **{"x-api-key": stack.keys["revoked"]})
    yield _refused("good token, revoked key", "key_revoked", 401, revoked)


def _requests(good):
    def post(body):
        headers = {"x-api-key": good, "content-type": "application/json"}
        return lambda: Request("POST", "/items", headers, body)

    yield _forwarded("POST, body signed by its digest", post(craft.BODY))
    yield _forwarded("POST, body too long for that", post(LONG_BODY), edge="allow, streamed")
    yield _forwarded(
        "forged Edge-* headers and signature", lambda: Request("GET", "/items", FORGED | {"x-api-key": good})
    )
    yield Case("API that is no gateway", "allow", None, None, 200, _get("/old/items", good))
    yield _refused("address that the route denies", "address_refused", 403, _get("/items/closed", good))
    yield Case("preflight", "allow", None, None, 204, lambda: Request("OPTIONS", "/items/browser", PREFLIGHT))
    yield _refused("another host's name", "host_unknown", 421, _get(key=good, host="evil.example.com"))


def _targets(good):
    yield _forwarded("odd spelling, passed on as it is", _get("/items/caf%C3%A9%20noir;v=1//x?b=%2B&a=&a", good))
    door = f"/.countersign/keys/{seed.key_hash(good)}"
    yield _refused("the edge's own door", "inside_path", 404, _get(door, good))
    yield _refused("the same, encoded", "inside_path", 404, _get(door.replace("c", "%63"), good))
    yield _refused("encoded dots", "path_hostile", 400, _get("/items/%2e%2e/admin", good))
    yield _refused("encoded slash", "target_malformed", 400, _get("/items%2F1", good))
    yield _refused("URL longer than the gateway takes", "url_too_long", 414, _get("/items/" + "1" * 1024, good))
