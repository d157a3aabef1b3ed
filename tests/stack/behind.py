"""The requests that the authorizer lets through to the forwarder, and what that makes of them.

Decision and code are those of the forwarder's own lines; "gateway" is whatever did not get to it.
"""

from . import seed, sign
from .craft import BODY, altered, signed
from .expect import by_gateway, case, forwarder

ANOTHER_BODY = BODY.replace(b"kettle", b"bottle")
BINARY = bytes(range(256))
FLIPPED = bytes([BINARY[0] ^ 1]) + BINARY[1:]
FOREIGN_DIGEST = "md5=:jE7E3Tcv0Wb4Z7bQn2o0NQ==:"
LOG_LINE = b'{"ray":"8f2c0a1b2c3d4e5f-LHR","edge":"suite"}'


def cases(stack):
    http, rest = stack.apis["forwarder"], stack.apis["rest_forwarder"]
    passed, missing = forwarder("forwarded", 200), forwarder("digest_missing", 400)
    yield from _bodies(http, stack.keys["good"], without_digest=passed)
    yield from _bodies(rest, stack.keys["good"], without_digest=missing)
    for api in (http, rest):
        yield from _inside_doors(api, stack.keys)


def _bodies(api, key, without_digest):
    passed, mismatch = forwarder("forwarded", 200), forwarder("digest_mismatch", 400)

    def text(**options):
        return signed(api, "POST /items", key=key, body=BODY, add={"content-type": "application/json"}, **options)

    def binary():
        return signed(api, "POST /items", key=key, body=BINARY, add={"content-type": "application/octet-stream"})

    both = ", ".join(sign.content_digest(BODY, algorithm) for algorithm in ("sha-256", "sha-512"))
    unsupported = forwarder("digest_unsupported", 400)
    yield case("body as signed", api, passed, text)
    yield case("body altered on the way", api, mismatch, lambda: altered(text(), ANOTHER_BODY))
    yield case("body taken away", api, mismatch, lambda: altered(text(), b""))
    yield case("binary body", api, passed, binary)
    yield case("one bit of it flipped", api, mismatch, lambda: altered(binary(), FLIPPED))
    yield case("sha-256 and sha-512", api, passed, lambda: text(digest=both))
    yield case("a digest of no known algorithm", api, unsupported, lambda: text(digest=FOREIGN_DIGEST))
    yield case("body without a digest", api, without_digest, lambda: text(digest=None))


def _inside_doors(api, keys):
    known, unknown = (f"GET /.countersign/keys/{seed.key_hash(key)}" for key in (keys["reader"], seed.raw_key()))
    not_known, logs = forwarder("inside_key_unknown", 404), "POST /.countersign/logs"

    def inside(what, body=None):
        return lambda: signed(api, what, tag="countersign-inside", body=body)

    yield case("edge asks the probe", api, forwarder("inside_probe", 204), inside("GET /.countersign/probe"))
    yield case("edge looks a key up", api, forwarder("inside_key", 200), inside(known))
    yield case("edge looks up an unknown key", api, not_known, inside(unknown))
    yield case("edge sends its log", api, forwarder("inside_logs", 200), inside(logs, LOG_LINE))
    yield case("edge knocks elsewhere", api, by_gateway(403), inside("GET /.countersign/else"))
    yield case("a caller at the door", api, by_gateway(403), lambda: signed(api, known, key=keys["good"]))
