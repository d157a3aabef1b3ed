"""The real template and the examples in infra/: what they deploy, and what they refuse to deploy."""

import json
import runpy
import time

from botocore.exceptions import ClientError

from .. import craft, deploy, edge, ministack, seed
from .. import stack as stacks
from ..gateway import Api, Audit, Request, send
from ..places import ATTACH, DOMAIN, REGION, SIGNED_REQUEST


def gateways_may_invoke_their_functions(stack):
    """Each example API's authorizer, and nothing else, may invoke the function; its routes the forwarder."""
    client = ministack.client("lambda", stack.port)
    for name in stacks.REAL:
        real = stack.outputs[name]
        host = real.get("ExampleUrl") or real["RestExampleUrl"]
        api = host.removeprefix("https://").partition(".")[0]
        [statement] = json.loads(client.get_policy(FunctionName=real["AuthorizerArn"])["Policy"])["Statement"]
        assert _only_caller(statement).startswith(f"{_arn(api)}/authorizers/"), statement
        if name in stacks.WITH_FORWARDER:
            [statement] = json.loads(client.get_policy(FunctionName=real["ForwarderArn"])["Policy"])["Statement"]
            assert _only_caller(statement) == f"{_arn(api)}/*", statement


def _arn(api):
    return f"arn:aws:execute-api:{REGION}:000000000000:{api}"


def _only_caller(statement):
    """The one ARN on whose behalf API Gateway may invoke."""
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}, statement
    [source] = next(iter(statement["Condition"].values())).values()
    return source


def the_template_refuses_what_would_be_unsafe(stack):
    """Deploying is refused with a cache behind an edge proof, no API to protect, an edge or a forwarder half named."""
    unsafe = [
        {"ResultTtl": "300"},
        {"Require": "caller", "HttpAnswer": "simple", "ResultTtl": "300"},
        {"AnonymousGrants": "GET /status"},
        {"ExampleApi": "none"},
        {"ExampleApi": "none", "Apis": "abc123/prod"},
        {"CloudflareAccount": "abc", "CloudflareNamespace": "abc", "CloudflareScript": "edge"},
        {"RotateEvery": "rate(30 days)"},
        {"Backend": "forwarder"},
        {"Backends": "a=https://a.example.com"},
        {"ForwarderResponse": "stream", "ExampleApi": "rest"},
        {"ForwarderResponse": "stream", "Backend": "forwarder", "Backends": "a=https://a.example.com"},
        {"Backend": "forwarder", "Backends": "a=https://a.example.com", "BackendUrl": "https://b.example.com"},
        {"BodyDigest": "required"},
        {"Backend": "forwarder", "ExampleApi": "none", "Apis": "a/b", "Authorities": "c", "DefaultBackend": "a"},
        {"Backend": "forwarder", "Backends": "a=https://a.example.com", "BodyDigest": "required", "Require": "caller"},
    ]
    for parameters in unsafe:
        try:
            deploy.real_template(stack.port, "unsafe", **parameters)
        except ClientError as error:
            assert "rule" in error.response["Error"]["Message"], error
        else:
            raise AssertionError(f"deployed with {parameters}")


def table_and_secret_outlive_their_stack(stack):
    """Deleting the stack keeps the key table and the signing secret."""
    gone = deploy.real_template(stack.port, "gone")
    ministack.client("cloudformation", stack.port).delete_stack(StackName="gone")
    functions = ministack.client("lambda", stack.port)
    deadline = time.monotonic() + 20
    while _exists(functions.get_function, FunctionName=gone["AuthorizerArn"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _exists(functions.get_function, FunctionName=gone["AuthorizerArn"])
    assert _exists(ministack.client("dynamodb", stack.port).describe_table, TableName=gone["KeyTableName"])
    assert _exists(ministack.client("secretsmanager", stack.port).get_secret_value, SecretId=gone["SigningSecretArn"])


def _exists(read, **arguments):
    try:
        read(**arguments)
    except ClientError as error:
        if "NotFound" in error.response["Error"]["Code"]:
            return False
        raise
    return True


def examples_attach_to_apis_that_exist(stack):
    """infra/attach puts authorizer and forwarder before APIs that exist already: REST, HTTP, and WebSocket without."""
    rest_gateway = ministack.client("apigateway", stack.port)
    rest = rest_gateway.create_rest_api(name="existing")
    gateway = ministack.client("apigatewayv2", stack.port)
    http = gateway.create_api(Name="existing", ProtocolType="HTTP")["ApiId"]
    gateway.create_stage(ApiId=http, StageName="$default", AutoDeploy=True)
    websocket = gateway.create_api(
        Name="existing", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )["ApiId"]
    host, rest_host = (f"{api}.execute-api.{DOMAIN}" for api in (http, rest["id"]))
    real = deploy.real_template(
        stack.port,
        "attached",
        ExampleApi="none",
        Backend="forwarder",
        Apis=f"{rest['id']}/prod,{http}/$default,{websocket}/prod",
        Authorities=f"{host},{rest_host}",
    )
    forwarded = {"ForwarderArn": real["ForwarderArn"]}
    to_rest = {"RestApiId": rest["id"], "RootResourceId": rest["rootResourceId"], "BackendUrl": "https://example.com"}
    to_http = {"HttpApiId": http, "BackendUrl": "https://example.com"}
    to_websocket = {"WebSocketApiId": websocket}
    to_all = {"rest": to_rest | forwarded, "http": to_http | forwarded, "websocket": to_websocket}
    for kind, parameters in to_all.items():
        path = ATTACH / f"{kind}.yaml"
        deploy.template(stack.port, f"attach-{kind}", path, AuthorizerArn=real["AuthorizerArn"], **parameters)
    key = seed.signing_key(stack.port, real, "hmac-sha256")
    api = Api("HTTP 2.0", host, "", real["AuthorizerLogGroup"], key)
    assert send(stack.port, api, craft.plain(api, "GET /orders")).status == 401
    assert send(stack.port, api, craft.plain(api, "GET /orders", signature_input="nonsense")).status == 403
    [line] = Audit(stack.port).new_lines(api.logs, wait=3)
    assert line["code"] == "signature_malformed", line
    rest_gateway.create_deployment(restApiId=rest["id"], stageName="prod")
    for each in (api, Api("REST", rest_host, "/prod", real["AuthorizerLogGroup"], key)):
        _probes(stack, each)


def back_ends_may_be_private(stack):
    """With subnets the forwarder may run in a network; with no functions among its back ends it may invoke none."""
    real = deploy.real_template(
        stack.port,
        "private",
        Backend="forwarder",
        Backends="shop=https://shop.internal.example.com",
        PrivateBackends="shop",
        DefaultBackend="shop",
        ForwarderSubnets="subnet-0a,subnet-0b",
        ForwarderSecurityGroups="sg-0c",
    )
    iam, common = ministack.client("iam", stack.port), {"write-logs", "read-records"}
    for outputs, own in ((real, "run-in-a-network"), (stack.outputs[stacks.P256], "invoke-back-ends")):
        role = outputs["ForwarderRoleArn"].rpartition("/")[2]
        policies = iam.list_role_policies(RoleName=role)["PolicyNames"]
        assert set(policies) == common | {own}, policies


def signed_request_signs_as_the_edge_does(stack):
    """infra/signed_request.py makes requests that the authorizer accepts."""
    api = stack.apis["example"]
    secret = ministack.client("secretsmanager", stack.port).get_secret_value(
        SecretId=stack.outputs[stacks.HMAC]["SigningSecretArn"]
    )
    tool = runpy.run_path(str(SIGNED_REQUEST))
    key = tool["signing_key"](secret["SecretString"])
    headers = tool["signed"]("GET", api.host, "/items", stack.keys["good"], secret["VersionId"], key)
    assert send(stack.port, api, Request("GET", "/items", headers)).status == 200


def browsers_may_read_refusals(stack):
    """On the REST example 401, 403 and 500 carry the CORS header, and the preflight needs no proof."""
    api, keys = stack.apis["rest_example"], stack.keys
    requests = {
        401: craft.plain(api),
        403: craft.signed(api, "GET /elsewhere", key=keys["good"]),
        500: craft.signed(api, key=keys["broken"]),
        204: craft.plain(api, "OPTIONS /items"),
    }
    for status, request in requests.items():
        answer = send(stack.port, api, request)
        assert answer.status == status, answer
        assert answer.headers.get("access-control-allow-origin") == "*", answer


def the_probe_is_for_the_edge(stack):
    """The examples' probe answers 204 to the edge's own requests, and nobody else's; without a forwarder too."""
    for api in (stack.apis["synced"], stack.apis["rest_example"]):
        _probes(stack, api)
    token = ministack.client("secretsmanager", stack.port).describe_secret(SecretId="cloudflare-token")["ARN"]
    # No such namespace, and no address of an edge: this key-sync has nothing to do with the stack's.
    synced = {"CloudflareAccount": edge.ACCOUNT, "CloudflareNamespace": "none", "CloudflareScript": "none"}
    synced |= {"CloudflareTokenSecretArn": token, "CloudflareApi": stack.edge.cloudflare}
    for kind, url, parameters in (("http", "ExampleUrl", synced), ("rest", "RestExampleUrl", {})):
        real = deploy.real_template(stack.port, f"integrated-{kind}", ExampleApi=kind, **parameters)
        host, _, stage = real[url].removeprefix("https://").partition("/")
        key = seed.signing_key(stack.port, real, "hmac-sha256")
        _probes(stack, Api(kind.upper(), host, f"/{stage}" if stage else "", real["AuthorizerLogGroup"], key))
        ministack.client("cloudformation", stack.port).delete_stack(StackName=f"integrated-{kind}")


def _probes(stack, api):
    probe = "GET /.countersign/probe"
    inside = craft.signed(api, probe, tag="countersign-inside")
    assert send(stack.port, api, inside).status == 204, api.kind
    assert send(stack.port, api, craft.signed(api, probe, key=stack.keys["good"])).status in (401, 403), api.kind
    assert send(stack.port, api, craft.plain(api, probe)).status in (401, 403), api.kind
