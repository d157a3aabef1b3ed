"""Makes requests: as the edge would, as a stranger would, and with tokens that no issuer would give out."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from . import seed, sign
from .gateway import Request

CLIENT_IP = "203.0.113.7"
BODY = b'{"name":"kettle"}'


def signed(api, what="GET /items", *, sent=None, key=None, token=None, ip=CLIENT_IP, add=None, body=None, **changes):
    """A request signed for `what`, and sent as `sent` if that is another.

    `key` is a raw API key, `add` are headers put on after signing, `changes` goes to the signature.
    """
    edge_key = seed.key_hash(key) if key else None
    return edge_signed(api, what, sign.Caller(ip, edge_key, token), sent=sent, add=add, body=body, **changes)


def edge_signed(api, what, caller, *, sent=None, add=None, body=None, **changes):
    """The same, for a caller as the edge describes it."""
    method, path = what.split(" ", 1)
    authority = changes.pop("authority", api.host)
    headers = sign.headers(api.key, method, authority, api.base + path, caller, body=body, **changes)
    sent_method, sent_path = (sent or what).split(" ", 1)
    return Request(sent_method, api.base + sent_path, headers | (add or {}), body)


def plain(api, what="GET /items", **headers):
    """A request as a stranger sends it, straight to the gateway."""
    method, path = what.split(" ", 1)
    return Request(method, api.base + path, {name.replace("_", "-"): value for name, value in headers.items()})


def altered(request, body):
    """The same request with another body, as somebody on its way would send it."""
    return Request(request.method, request.target, request.headers, body)


def forged(request):
    """The same request with one bit of its signature flipped."""
    value = bytearray(base64.b64decode(request.headers["signature"].split(":")[1]))
    value[0] ^= 1
    return _with(request, {"signature": f"edge=:{base64.b64encode(value).decode()}:"})


def without_edge_headers(request):
    return _with(request, {name: None for name in request.headers if name.startswith("edge-")})


def _with(request, changes):
    headers = {name: value for name, value in (request.headers | changes).items() if value is not None}
    return Request(request.method, request.target, headers, request.body)


# ---- Tokens -----------------------------------------------------------------------------------------------


def unsigned_token(token):
    """The same claims with `alg: none` and no signature."""
    header, payload = _decoded(token)
    return _encoded(header | {"alg": "none"}, payload) + "."


def stranger_signed_token(token):
    """The same claims under the same `kid`, signed by another key."""
    message = _encoded(*_decoded(token))
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return f"{message}.{_encoded(stranger.sign(message.encode(), padding.PKCS1v15(), SHA256()))}"


def altered_token(token, **claims):
    """The same token with other claims, its signature left as it was."""
    header, payload = _decoded(token)
    return f"{_encoded(header, payload | claims)}.{token.split('.')[2]}"


def _decoded(token):
    header, payload, _ = token.split(".")
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, payload)]


def _encoded(*parts):
    raw = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in raw)
