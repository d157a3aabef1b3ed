"""Signs requests as the edge does: RFC 9421 in Countersign's profile, written from the RFC and the profile alone.

It shares no code with the authorizer; where the two disagree, one of them is wrong. Every part of a signature can be
given, so that the wrong ones can be made as well.
"""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

LIFE = 60
"""Seconds from `created` to `expires`."""


@dataclass(frozen=True)
class SigningKey:
    keyid: str
    algorithm: str
    secret: Any
    """Bytes for hmac-sha256, else a private key of `cryptography`."""

    def sign(self, base):
        match self.algorithm:
            case "hmac-sha256":
                return hmac.digest(self.secret, base, hashlib.sha256)
            case "ed25519":
                return self.secret.sign(base)
            case "ecdsa-p256-sha256":
                r, s = decode_dss_signature(self.secret.sign(base, ec.ECDSA(hashes.SHA256())))
                return r.to_bytes(32) + s.to_bytes(32)
        raise ValueError(self.algorithm)


@dataclass(frozen=True)
class Caller:
    """What the edge says about the caller, and the credentials that it hands on."""

    ip: str = "203.0.113.7"
    key_hash: str | None = None
    token: str | None = None


def headers(key, method, authority, target, caller, *, body=None, **changes):
    """The headers that the edge adds, signature included, in the order in which they are covered.

    `changes` replaces parameters of the signature (created, expires, keyid, alg, nonce, tag; None leaves one out),
    or `covered`: the components; or `client`: the value of Edge-Client; or `digest`: that of Content-Digest, which
    None leaves out.
    """
    client = f'ip="{caller.ip}", ray="8f2c0a1b2c3d4e5f-LHR", country="GB", host="api.example.com"'
    sent = {"edge-target": target, "edge-client": changes.pop("client", client)}
    if caller.key_hash is not None:
        sent["edge-key"] = caller.key_hash
    if caller.token is not None:
        sent["authorization"] = f"Bearer {caller.token}"
    digest = changes.pop("digest", None if body is None else content_digest(body))
    if digest is not None:
        sent["content-digest"] = digest
    values = {"@method": method, "@authority": authority} | sent
    covered = changes.pop("covered", list(values))
    parameters = _parameters(covered, _defaults(key) | changes)
    base = "".join(f'"{name}": {values[name]}\n' for name in covered) + f'"@signature-params": {parameters}'
    signature = base64.b64encode(key.sign(base.encode())).decode()
    return sent | {"signature-input": f"edge={parameters}", "signature": f"edge=:{signature}:"}


def content_digest(body, algorithm="sha-256"):
    """As RFC 9530 writes it."""
    hashed = hashlib.new(algorithm.replace("-", ""), body).digest()
    return f"{algorithm}=:{base64.b64encode(hashed).decode()}:"


def _defaults(key):
    now = int(time.time())
    return {
        "created": now,
        "expires": now + LIFE,
        "keyid": key.keyid,
        "alg": key.algorithm,
        "nonce": secrets.token_urlsafe(18),
        "tag": "countersign",
    }


def _parameters(covered, parameters):
    names = " ".join(f'"{name}"' for name in covered)
    given = [(name, value) for name, value in parameters.items() if value is not None]
    written = "".join(f";{name}={value}" if isinstance(value, int) else f';{name}="{value}"' for name, value in given)
    return f"({names}){written}"
