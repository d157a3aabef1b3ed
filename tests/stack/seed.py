"""What the stacks know when the requests come: signing keys, API keys and the issuer.

Written as an operator would, by root credentials; the authorizer's role may write none of it.
"""

import base64
import hashlib
import json
import secrets
import time

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import issuer, ministack
from .sign import SigningKey

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HOUR = 3600
PRIVATE_KEYS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa-p256-sha256": lambda: ec.generate_private_key(ec.SECP256R1()),
}


def raw_key():
    """A new raw API key: prefix, 22 random characters, and a checksum of six."""
    key = "csk_" + "".join(secrets.choice(BASE62) for _ in range(22))
    value, checksum = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        checksum = BASE62[digit] + checksum
    return key + checksum


def key_hash(raw):
    return hashed(raw.encode())


def hashed(value):
    return hashlib.sha256(value).hexdigest()


def key_records():
    """One API key of each state, as (name, raw key, attributes)."""
    now = int(time.time())
    states = {
        "good": {"grants": ["GET /items", "GET /items/*", "POST /items", "CONNECT /"], "context": {"team": "orders"}},
        "reader": {"grants": ["GET /items"]},
        "wide": {"grants": ["* /items", "GET /public/*"]},
        "bound": {"grants": ["GET /items"], "cidrs": ["198.51.100.0/24"]},
        "disabled": {"grants": ["GET /items"], "status": "disabled"},
        "suspended": {"grants": ["GET /items"], "status": "suspended", "until": now + HOUR, "reason": "unpaid"},
        "returned": {"grants": ["GET /items"], "status": "suspended", "until": now - HOUR, "reason": "unpaid"},
        "expired": {"grants": ["GET /items"], "expires_at": now - HOUR},
        "revoked": {"grants": ["GET /items"], "status": "revoked"},
        "withdrawn": {"grants": ["GET /items"]},
        "broken": {"grants": ["anything at all"]},
    }
    for name, attributes in states.items():
        common = {"key_id": f"id-{name}", "principal": f"customer-{name}", "name": name, "status": "active"}
        common |= {"version": now * 1000, "created_at": now, "updated_at": now}
        yield name, raw_key(), common | attributes


def issuer_record(port, table, issuer_port):
    read = ["GET /items", "GET /items/*", "CONNECT /"]
    record = {
        "audiences": [issuer.AUDIENCE],
        "algorithms": ["RS256", "ES256", "EdDSA"],
        "token_types": ["at+jwt"],
        "grants": [{"scope": "items:read", "allow": read}, {"scope": "items:write", "allow": ["POST /items"]}],
        "required_claims": {"client_id": "orders"},
        "version": int(time.time() * 1000),
    }
    put(port, table, f"issuer#{issuer.address(issuer_port)}", record)


def signing_key(port, real, algorithm):
    """The key that the edge of a stack signs with, published where the authorizer looks for it."""
    client = ministack.client("secretsmanager", port)
    current = client.get_secret_value(SecretId=real["SigningSecretArn"], VersionStage="AWSCURRENT")
    keyid = current["VersionId"]
    if algorithm == "hmac-sha256":
        return SigningKey(keyid, algorithm, _shared_key(current["SecretString"]))
    private = PRIVATE_KEYS[algorithm]()
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = {"alg": algorithm, "public_key": base64.urlsafe_b64encode(public).rstrip(b"=").decode()}
    put(port, real["KeyTableName"], f"edgekey#{keyid}", record)
    return SigningKey(keyid, algorithm, private)


def _shared_key(text):
    """The generated first value is the key itself; a rotation stores JSON."""
    if not text.startswith("{"):
        return text.encode()
    key = json.loads(text)["key"]
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


def put(port, table, pk, attributes):
    item = {name: _attribute(value) for name, value in attributes.items()}
    ministack.client("dynamodb", port).put_item(TableName=table, Item={"pk": {"S": pk}, **item})


def _attribute(value):
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case list():
            return {"L": [_attribute(element) for element in value]}
        case dict():
            return {"M": {name: _attribute(element) for name, element in value.items()}}
    raise TypeError(f"no attribute for {value!r}")
