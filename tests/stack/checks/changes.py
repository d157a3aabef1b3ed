"""What takes its time: keys that change while they are in use."""

import dataclasses
import secrets
import time

from .. import craft, ministack, seed
from .. import stack as stacks
from ..gateway import Audit, send
from ..sign import SigningKey

REVOCATION = 31
"""Seconds after which a revoked key must be refused: 30, and one for the clocks."""
ACTIVATION = 15
"""Seconds after which a signing key that has become readable may be used."""


def begin_slow(stack):
    """Rotates a signing key and revokes an API key, both in use; returns the checks of what must follow."""
    api, withdrawn = stack.apis["example"], stack.keys["withdrawn"]
    assert send(stack.port, api, craft.signed(api, key=withdrawn)).status == 200
    fresh = _rotate(stack, api.key)
    _revoke(stack, withdrawn)
    begun = time.monotonic()

    def from_then(seconds):
        time.sleep(max(0, begun + seconds - time.monotonic()))

    def rotated(stack):
        """A rotated signing key is accepted 15 s after it became readable, and the one before it still is."""
        from_then(ACTIVATION)
        for key in (fresh, api.key):
            request = craft.signed(dataclasses.replace(api, key=key), key=stack.keys["good"])
            assert send(stack.port, api, request).status == 200, key.keyid

    def revoked(stack):
        """A revoked API key is refused 30 s later by an authorizer that knew it."""
        from_then(REVOCATION)
        audit = Audit(stack.port)
        audit.new_lines(api.logs)
        assert send(stack.port, api, craft.signed(api, key=withdrawn)).status == 403
        [line] = audit.new_lines(api.logs, wait=3)
        assert line["code"] == "key_revoked", line

    return [rotated, revoked]


def _rotate(stack, before):
    """Makes a new version of the secret current, as finishSecret does; the one before it becomes AWSPREVIOUS."""
    secret = secrets.token_hex(32)
    client = ministack.client("secretsmanager", stack.port)
    put = client.put_secret_value(SecretId=stack.outputs[stacks.HMAC]["SigningSecretArn"], SecretString=secret)
    assert put["VersionId"] != before.keyid
    return SigningKey(put["VersionId"], before.algorithm, secret.encode())


def _revoke(stack, raw):
    ministack.client("dynamodb", stack.port).update_item(
        TableName=stack.outputs[stacks.HMAC]["KeyTableName"],
        Key={"pk": {"S": f"key#{seed.key_hash(raw)}"}},
        UpdateExpression="SET #status = :revoked, #version = #version + :one",
        ExpressionAttributeNames={"#status": "status", "#version": "version"},
        ExpressionAttributeValues={":revoked": {"S": "revoked"}, ":one": {"N": "1"}},
    )
