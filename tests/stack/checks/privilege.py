"""Least privilege, as IAM enforces it: tried with the role's own credentials."""

from botocore.exceptions import ClientError

from .. import ministack
from .. import stack as stacks


def the_role_does_no_more_than_it_needs(stack):
    """The authorizer's role reads records, claims nonces, reads its secret, and no more."""
    real, other = stack.outputs[stacks.HMAC], stack.outputs[stacks.ED25519]
    may = _as_role(stack, real["AuthorizerRoleArn"])
    table, secret = real["KeyTableName"], real["SigningSecretArn"]
    key, nonce = {"pk": {"S": "key#0"}}, {"pk": {"S": "nonce#0#0"}}
    assert may("dynamodb", "get_item", TableName=table, Key=key)
    assert may("dynamodb", "get_item", TableName=table, Key={"pk": {"S": "jwks#0"}})
    assert not may("dynamodb", "put_item", TableName=table, Item={"pk": {"S": "jwks#0"}})
    assert may("dynamodb", "put_item", TableName=table, Item=nonce)
    assert may("secretsmanager", "describe_secret", SecretId=secret)
    assert may("secretsmanager", "get_secret_value", SecretId=secret)
    assert not may("dynamodb", "put_item", TableName=table, Item=key)
    assert not may("dynamodb", "get_item", TableName=table, Key=nonce)
    assert not may("dynamodb", "delete_item", TableName=table, Key=nonce)
    assert not may("dynamodb", "scan", TableName=table)
    assert not may("dynamodb", "get_item", TableName=other["KeyTableName"], Key=key)
    assert not may("secretsmanager", "get_secret_value", SecretId=other["SigningSecretArn"])
    assert not may("secretsmanager", "put_secret_value", SecretId=secret, SecretString="x")


def key_sync_does_no_more_than_it_needs(stack):
    """key-sync's role writes its own records and the signing secret, and neither keys, issuers nor routes."""
    real, other = stack.outputs[stacks.SYNCED], stack.outputs[stacks.HMAC]
    may = _as_role(stack, real["KeySyncRoleArn"])
    table, secret, function = real["KeyTableName"], real["SigningSecretArn"], real["AuthorizerArn"]
    for kind in ("key", "issuer", "route", "edgekey", "jwks", "sync"):
        assert may("dynamodb", "get_item", TableName=table, Key=_pk(kind)), kind
        assert may("dynamodb", "batch_get_item", RequestItems={table: {"Keys": [_pk(kind)]}}), kind
    for kind in ("edgekey", "jwks", "sync"):
        assert may("dynamodb", "put_item", TableName=table, Item=_pk(kind)), kind
        assert may("dynamodb", "delete_item", TableName=table, Key=_pk(kind)), kind
    for kind in ("key", "issuer", "route", "nonce"):
        assert not may("dynamodb", "put_item", TableName=table, Item=_pk(kind)), kind
        assert not may("dynamodb", "delete_item", TableName=table, Key=_pk(kind)), kind
    assert not may("dynamodb", "get_item", TableName=table, Key=_pk("nonce"))
    assert not may("dynamodb", "scan", TableName=other["KeyTableName"])
    assert may("secretsmanager", "describe_secret", SecretId=secret)
    assert may("secretsmanager", "get_secret_value", SecretId=secret)
    assert not may("secretsmanager", "get_secret_value", SecretId=other["SigningSecretArn"])
    assert not may("secretsmanager", "put_secret_value", SecretId=other["SigningSecretArn"], SecretString="x")
    assert not may("secretsmanager", "put_secret_value", SecretId="cloudflare-token", SecretString="x")
    assert may("lambda", "get_function_configuration", FunctionName=function)
    assert not may("lambda", "update_function_configuration", FunctionName=other["AuthorizerArn"], Timeout=6)
    assert not may("lambda", "get_function", FunctionName=function)


def the_forwarder_does_no_more_than_it_needs(stack):
    """The forwarder's role reads keys, routes and which routes there are, invokes its back ends, and no more."""
    real, other = stack.outputs[stacks.P256], stack.outputs[stacks.HMAC]
    may = _as_role(stack, real["ForwarderRoleArn"])
    table = real["KeyTableName"]
    for pk in ("key#0", "route#0", "sync#routes"):
        assert may("dynamodb", "get_item", TableName=table, Key={"pk": {"S": pk}}), pk
        assert may("dynamodb", "batch_get_item", RequestItems={table: {"Keys": [{"pk": {"S": pk}}]}}), pk
        assert not may("dynamodb", "put_item", TableName=table, Item={"pk": {"S": pk}}), pk
        assert not may("dynamodb", "delete_item", TableName=table, Key={"pk": {"S": pk}}), pk
    for pk in ("issuer#0", "edgekey#0", "jwks#0", "nonce#0#0", "sync#rotation", "sync#routes2"):
        assert not may("dynamodb", "get_item", TableName=table, Key={"pk": {"S": pk}}), pk
        assert not may("dynamodb", "batch_get_item", RequestItems={table: {"Keys": [{"pk": {"S": pk}}]}}), pk
    assert not may("dynamodb", "scan", TableName=table)
    assert not may("dynamodb", "get_item", TableName=other["KeyTableName"], Key={"pk": {"S": "key#0"}})
    assert not may("secretsmanager", "describe_secret", SecretId=real["SigningSecretArn"])
    assert not may("secretsmanager", "get_secret_value", SecretId=real["SigningSecretArn"])
    assert may(
        "lambda", "invoke", FunctionName=stack.outputs[stacks.BENCH]["EchoArn"], Payload=b'{"requestContext":{}}'
    )
    assert not may("lambda", "invoke", FunctionName=real["AuthorizerArn"], Payload=b"{}")


def _pk(kind):
    return {"pk": {"S": f"{kind}#0"}}


def a_private_signing_key_is_not_for_the_authorizer(stack):
    """With ed25519 and ecdsa-p256-sha256 the authorizer's role cannot read the signing secret."""
    for name in (stacks.ED25519, stacks.P256):
        real = stack.outputs[name]
        may = _as_role(stack, real["AuthorizerRoleArn"])
        assert may("secretsmanager", "describe_secret", SecretId=real["SigningSecretArn"])
        assert not may("secretsmanager", "get_secret_value", SecretId=real["SigningSecretArn"])


def _as_role(stack, role):
    """A function that makes one call with the role's credentials and tells whether IAM let it."""
    sts = ministack.client("sts", stack.port)
    credentials = sts.assume_role(RoleArn=role, RoleSessionName="suite")["Credentials"]

    def may(service, operation, **arguments):
        try:
            getattr(ministack.client_as(service, stack.port, credentials), operation)(**arguments)
        except ClientError as error:
            if "AccessDenied" in error.response["Error"]["Code"]:
                return False
            raise
        return True

    return may
