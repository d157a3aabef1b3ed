"""The requests that the demo and the suite send, with what must become of each.

A case says what is sent and to which API, makes the request when its turn comes (signatures age), and names the
decision, its code, and the status that the gateway must answer with.
"""

import dataclasses
import time

from . import behind, issuer, seed, sign
from .craft import (
    BODY,
    altered_token,
    edge_signed,
    forged,
    plain,
    signed,
    stranger_signed_token,
    unsigned_token,
    without_edge_headers,
)
from .expect import by_gateway, case, fault, once

EDGE_KINDS = ["rest", "http1", "http2", "simple", "websocket", "example", "rest_example", "p256_example"]
CONNECT = "GET "
"""What a WebSocket asks for: its path is the stage and no more."""


def cases(stack):
    yield from _every_kind(stack)
    yield from _signatures(stack)
    yield from _targets(stack)
    yield from _api_keys(stack)
    yield from _tokens(stack)
    yield from _replays(stack)
    yield from _one_header(stack)
    yield from behind.cases(stack)


# ---- Cases ------------------------------------------------------------------------------------------------


def _every_kind(stack):
    good = stack.keys["good"]
    for name in EDGE_KINDS:
        api = stack.apis[name]
        what = CONNECT if api.is_websocket else "GET /items"
        # The examples on HTTP APIs name the signature as identity source, so their gateway asks for it.
        unsigned = by_gateway(401) if name in ("example", "p256_example") else "edge_proof_missing"
        yield case("signed, good key", api, "allow", lambda a=api, w=what: signed(a, w, key=good))
        yield case("unsigned, good key", api, unsigned, lambda a=api, w=what: plain(a, w, x_api_key=good))
        yield case("signature forged", api, "signature_invalid", lambda a=api, w=what: forged(signed(a, w, key=good)))
    rest = stack.apis["rest_example"]
    yield case("preflight, unsigned", rest, by_gateway(204), lambda: plain(rest, "OPTIONS /items"))


def _signatures(stack):
    rest, http2, good = stack.apis["rest"], stack.apis["http2"], stack.keys["good"]

    def lasting(created, expires):
        """Signed for a time given by seconds from now."""
        now = int(time.time())
        return signed(rest, key=good, created=now + created, expires=now + expires)

    def of_another_party():
        return without_edge_headers(signed(rest, tag="web-bot-auth"))

    yield case("signature of two minutes ago", rest, "signature_stale", lambda: lasting(-120, 60))
    yield case("signature expired", rest, "signature_expired", lambda: lasting(-30, -1))
    yield case("signature from the future", rest, "signature_future", lambda: lasting(60, 90))
    yield case("signature valid for an hour", rest, "signature_window", lambda: lasting(0, 3600))

    stranger = sign.SigningKey("00000000-0000-4000-8000-000000000000", "hmac-sha256", b"x" * 64)
    strange = dataclasses.replace(rest, key=stranger)
    yield case("keyid unknown", rest, "signature_key_unknown", lambda: signed(strange, key=good))
    yield case("alg not the key's", http2, "signature_algorithm", lambda: signed(http2, key=good, alg="ed25519"))
    yield case("another party's signature", rest, "edge_proof_missing", of_another_party)

    covered = ["@method", "@authority", "edge-target"]
    yield case("Edge-Client not covered", rest, "signature_coverage", lambda: signed(rest, key=good, covered=covered))
    role = {"edge-role": "admin"}
    yield case("Edge-Role added on the way", rest, "edge_header_unsigned", lambda: signed(rest, key=good, add=role))
    raw = {"x-api-key": good}
    yield case("raw key beside the edge's", http2, "credentials_ambiguous", lambda: signed(http2, key=good, add=raw))


def _targets(stack):
    rest, http1, http2, good = *(stack.apis[name] for name in ("rest", "http1", "http2")), stack.keys["good"]
    query, less = "GET /items?b=2&a=1&a=%2B&c=", "GET /items?b=2&a=1&c="
    escaped, item = "GET /items/caf%C3%A9%20noir", "GET /items/1"
    for api in (rest, http1, http2):
        yield case("signed, query", api, "allow", lambda a=api: signed(a, query, key=good))
        yield case("signed, escaped path", api, "allow", lambda a=api: signed(a, escaped, key=good))
        yield case("sent to another path", api, "target_mismatch", lambda a=api: signed(a, key=good, sent=item))
        yield case("sent with less query", api, "target_mismatch", lambda a=api: signed(a, query, key=good, sent=less))
    for api, of in ((rest, http2), (http2, http1)):
        foreign = {"key": good, "authority": of.host}
        yield case("signed for another host", api, "signature_invalid", lambda a=api, f=foreign: signed(a, **f))
    post = "POST /items"
    yield case("sent with another method", rest, "signature_invalid", lambda: signed(rest, key=good, sent=post))
    yield case("%2F in the path", http2, "target_malformed", lambda: signed(http2, "GET /items%2F1", key=good))
    yield case("dot segments", rest, "path_hostile", lambda: signed(rest, "GET /items/../admin", key=good))
    yield case("a wildcard in the path", http2, "path_hostile", lambda: signed(http2, "GET /items/*", key=good))
    yield case("an inside door", http1, "inside_path", lambda: signed(http1, "GET /.countersign/probe", key=good))


def _api_keys(stack):
    rest, http1, http2, simple = (stack.apis[name] for name in ("rest", "http1", "http2", "simple"))

    def keyed(api, name, what="GET /items", **options):
        return lambda: signed(api, what, key=stack.keys[name], **options)

    yield case("key unknown", rest, "key_unknown", lambda: signed(rest, key=seed.raw_key()))
    yield case("key disabled", http1, "key_disabled", keyed(http1, "disabled"))
    yield case("key suspended", http2, "key_suspended", keyed(http2, "suspended"))
    yield case("key suspended until an hour ago", http2, "allow", keyed(http2, "returned"))
    yield case("key expired", simple, "key_expired", keyed(simple, "expired"))
    yield case("key revoked", rest, "key_revoked", keyed(rest, "revoked"))
    yield case("key bound to other addresses", http2, "key_address", keyed(http2, "bound"))
    yield case("key bound to this address", http2, "allow", keyed(http2, "bound", ip="198.51.100.9"))
    yield case("key without a grant for the path", rest, "grant_missing", keyed(rest, "reader", "GET /items/1"))
    yield case("key without a grant for the method", http1, "grant_missing", keyed(http1, "reader", "DELETE /items"))
    yield case("key granted every method", simple, "allow", keyed(simple, "wide", "DELETE /items"))
    malformed = sign.Caller(key_hash="not-a-hash")
    yield case("Edge-Key malformed", http2, "edge_key_malformed", lambda: edge_signed(http2, "GET /items", malformed))
    yield case("no caller", http1, "caller_missing", lambda: signed(http1))
    yield case("key record unreadable", rest, fault("record_malformed"), keyed(rest, "broken"))


def _tokens(stack):
    rest, http1, http2, websocket = (stack.apis[name] for name in ("rest", "http1", "http2", "websocket"))
    keys, post = stack.keys, "POST /items"

    def token(resource="rs256", scope="items:read"):
        return issuer.token(stack.issuer_port, resource, scope)

    def bearing(api, make=token, what="GET /items", key=None):
        return lambda: signed(api, what, token=make(), key=key)

    def token_to_write():
        return token(scope="items:read items:write")

    def token_with_changed_claims():
        return altered_token(token(), sub="root")

    def token_signed_by_a_stranger():
        return stranger_signed_token(token())

    def token_of_an_unknown_issuer():
        return altered_token(token(), iss="https://login.example.net")

    yield case("token, RS256", rest, "allow", bearing(rest))
    yield case("token, ES256", http1, "allow", bearing(http1, lambda: token("es256")))
    yield case("token, EdDSA", http2, "allow", bearing(http2, lambda: token("eddsa")))
    yield case("token, RS256", websocket, "allow", bearing(websocket, what=CONNECT))
    yield case("token for another audience", http2, "token_audience", bearing(http2, lambda: token("elsewhere")))
    yield case("token expired", rest, "token_expired", bearing(rest, lambda: token("expired")))
    yield case("token without the scope", http1, "grant_missing", bearing(http1, what=post))
    yield case("token with the scope", http1, "allow", bearing(http1, token_to_write, post))
    yield case("token, claims changed", rest, "token_signature", bearing(rest, token_with_changed_claims))
    yield case("token signed by a stranger", http2, "token_signature", bearing(http2, token_signed_by_a_stranger))
    yield case("token, alg none", rest, "token_algorithm", bearing(rest, lambda: unsigned_token(token())))
    yield case("token of an unknown issuer", http2, "token_issuer_unknown", bearing(http2, token_of_an_unknown_issuer))
    yield case("key and token", http2, "allow", bearing(http2, key=keys["good"]))
    yield case("key and token, one grants it", http2, "grant_missing", bearing(http2, what=post, key=keys["good"]))
    yield case("good token, key revoked", rest, "key_revoked", bearing(rest, key=keys["revoked"]))


def _replays(stack):
    good, post = stack.keys["good"], "POST /items"
    for name in ("rest", "http2", "simple"):
        api = stack.apis[name]
        same = once(lambda a=api: signed(a, post, key=good, body=BODY))
        yield case("POST", api, "allow", same)
        yield case("POST, replayed", api, "nonce_replayed", same)
    rest, http2, p256 = (stack.apis[name] for name in ("rest", "http2", "p256_example"))
    yield case("POST without nonce", rest, "nonce_missing", lambda: signed(rest, post, key=good, body=BODY, nonce=None))
    same = once(lambda: signed(http2, key=good))
    yield case("GET", http2, "allow", same)
    yield case("GET, sent again (REPLAY=unsafe)", http2, "allow", same)
    same_p256 = once(lambda: signed(p256, key=good))
    yield case("GET", p256, "allow", same_p256)
    yield case("GET, replayed (REPLAY=all)", p256, "nonce_replayed", same_p256)


def _one_header(stack):
    """TOKEN authorizers see one header, and only their answers are cached: for 300 s, by that header."""
    api, keys = stack.apis["token"], stack.keys

    def bearing(value, what="GET /items"):
        return lambda: plain(api, what, authorization=value)

    def token(resource):
        return lambda: plain(api, authorization="Bearer " + issuer.token(stack.issuer_port, resource, "items:read"))

    good, wide = keys["good"], keys["wide"]
    yield case("nothing", api, by_gateway(401), lambda: plain(api))
    yield case("key", api, "allow", bearing(good))
    yield case("key again: cached", api, by_gateway(200), bearing(good))
    yield case("cached, another granted path", api, by_gateway(200), bearing(good, "GET /items/1"))
    yield case("cached, a path not granted", api, by_gateway(403), bearing(good, "GET /admin"))
    yield case("cached, a method not granted", api, by_gateway(403), bearing(good, "DELETE /items"))
    yield case("key, first on a path not granted", api, "grant_missing", bearing(wide, "GET /admin"))
    yield case("cached, a granted path after that", api, by_gateway(200), bearing(wide, "GET /public/docs"))
    yield case("key mistyped", api, "key_malformed", bearing(good[:-1] + "_"))
    yield case("key unknown", api, "key_unknown", bearing(seed.raw_key()))
    yield case("key revoked", api, "key_revoked", bearing(keys["revoked"]))
    yield case("token", api, "allow", token("rs256"))
    yield case("token expired", api, "token_expired", token("expired"))
    yield case("another scheme, taken for a key", api, "key_malformed", bearing("Basic b3JkZXJzOm5v"))
