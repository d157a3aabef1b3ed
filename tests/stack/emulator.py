"""MiniStack, with what it tells a Lambda authorizer put right.

MiniStack's events differ from API Gateway's where our decision looks: a REST path arrives decoded, an HTTP 1.0
event does not say that it is one, repeated headers are gone. This module corrects those fields, from what the
client sent, before the function is invoked. And more that would hide a mistake of ours: the error "Unauthorized" of a
WebSocket authorizer is a 401, IAM conditions on dynamodb:LeadingKeys are evaluated, CloudFormation's
ExcludePunctuation is obeyed, a stream's batch with failures is sent again, and secrets are rotated (see `rotation`).
It knows nothing about Countersign.

Run it instead of the `ministack` command, with the same environment.
"""

import contextvars
import json
import string
import uuid

import ministack.app as ministack
from ministack.core import iam_actions
from ministack.services import apigateway as http_and_websocket
from ministack.services import apigateway_v1 as rest
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from . import rotation

_scope = contextvars.ContextVar("asgi_scope")


class Unauthorized(Exception):
    """A WebSocket authorizer failed with the one error message that means 401."""


# ---- Events -----------------------------------------------------------------------------------------------


def _sent_headers():
    """Every header line of the client's request, by lower-case name, in order."""
    lines = {}
    for name, value in _scope.get()["headers"]:
        lines.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
    return lines


def _sent_path():
    return _scope.get()["raw_path"].decode("ascii").partition("?")[0]


def _domain(context):
    return f"{context['apiId']}.execute-api.{http_and_websocket._HOST}"


def _as_rest(event):
    """REST: paths as sent, the last of repeated values in the single maps, all of them in the multi maps."""
    sent, context = _sent_headers(), event["requestContext"]
    stage = "/" + context["stage"]
    event["path"] = _sent_path().removeprefix(stage) or "/"
    event["headers"] = {name: values[-1] for name, values in sent.items()}
    event["multiValueHeaders"] = sent
    _last_of_each(event)
    context |= {
        "path": _sent_path(),
        "domainName": _domain(context),
        "protocol": "HTTP/1.1",
        "requestId": str(uuid.uuid4()),
    }
    context["identity"]["sourceIp"] = _scope.get()["client"][0]


def _as_http_1_0(event, identity_sources):
    """HTTP API, format 1.0: like REST, but it says its version, and its paths are decoded."""
    sent, context = _sent_headers(), event["requestContext"]
    values = ",".join(sent.get(source.removeprefix("$request.header.").lower(), [""])[0] for source in identity_sources)
    event |= {"version": "1.0", "identitySource": values, "authorizationToken": values}
    event["headers"] = {name: ",".join(lines) for name, lines in sent.items()}
    event["multiValueHeaders"] = sent
    _last_of_each(event)
    context |= {
        "path": event["path"],
        "domainName": _domain(context),
        "protocol": "HTTP/1.1",
        "requestId": str(uuid.uuid4()),
        "identity": {"sourceIp": _scope.get()["client"][0], "userAgent": sent.get("user-agent", [""])[0]},
    }


def _as_http_2_0(event):
    event["headers"] = {name: ",".join(lines) for name, lines in _sent_headers().items()}


def _as_websocket(event):
    sent = _sent_headers()
    event["headers"] = {name: lines[-1] for name, lines in sent.items()}
    event["multiValueHeaders"] = sent


def _last_of_each(event):
    several = event["multiValueQueryStringParameters"] or {}
    event["queryStringParameters"] = {name: values[-1] for name, values in several.items()} or None


# ---- Where MiniStack is corrected -------------------------------------------------------------------------

_invoke_rest = rest._invoke_authorizer_lambda
_invoke_http = http_and_websocket._invoke_request_authorizer_lambda
_authorize_websocket = http_and_websocket._authorize_ws_connect
_dynamodb_context = iam_actions.dynamodb_service_context
_secret_string = provisioners._sm_secret_string
_execute_function = lambda_svc._execute_function
_app = ministack.app


async def _invoke_for_rest(authorizer, event, account_id, region):
    if event["type"] == "REQUEST":
        _as_rest(event)
    return await _invoke_rest(authorizer, event, account_id, region)


async def _invoke_for_http_or_websocket(authorizer, event, account_id, region):
    if event["requestContext"].get("eventType") == "CONNECT":
        _as_websocket(event)
        result = await _invoke_rest(authorizer, event, account_id, region)
        body = result and result.get("body")
        if result and result.get("error"):
            if isinstance(body, dict) and body.get("errorMessage") == "Unauthorized":
                raise Unauthorized
            return None
        return body if isinstance(body, dict) else json.loads(body or "null")
    if event.get("version") == "2.0":
        _as_http_2_0(event)
    else:
        _as_http_1_0(event, authorizer.get("identitySource") or [])
    return await _invoke_http(authorizer, event, account_id, region)


async def _authorize_websocket_connect(*arguments):
    try:
        return await _authorize_websocket(*arguments)
    except Unauthorized:
        return (401, "Unauthorized"), None


def _dynamodb_context_with_leading_keys(body):
    context = _dynamodb_context(body)
    request = json.loads(body or b"{}")
    item = request.get("Key") or request.get("Item") or {}
    batch = [key for table in (request.get("RequestItems") or {}).values() for key in table.get("Keys", [])]
    if keys := [key["pk"]["S"] for key in [item, *batch] if "pk" in key]:
        context["dynamodb:LeadingKeys"] = keys
    return context


def _execute_and_see_what_failed(function, event):
    """Lambda sends a batch again from the first record that is called failed; here, the whole batch."""
    result = _execute_function(function, event)
    records = event.get("Records") if isinstance(event, dict) else None
    if records and records[0].get("eventSource") == "aws:dynamodb" and not result.get("error"):
        body = result.get("body")
        answer = json.loads(body) if isinstance(body, (str, bytes)) else body
        if (answer or {}).get("batchItemFailures"):
            return result | {"error": True, "body": {"errorType": "batchItemFailures", "errorMessage": str(answer)}}
    return result


def _secret_string_as_asked(properties):
    generated = properties.get("GenerateSecretString") or {}
    if generated.get("ExcludePunctuation"):
        excluded = generated.get("ExcludeCharacters", "") + string.punctuation
        properties = properties | {"GenerateSecretString": generated | {"ExcludeCharacters": excluded}}
    return _secret_string(properties)


async def _app_with_scope(scope, receive, send):
    _scope.set(scope)
    await _app(scope, receive, send)


def main():
    rest._invoke_authorizer_lambda = _invoke_for_rest
    http_and_websocket._invoke_request_authorizer_lambda = _invoke_for_http_or_websocket
    http_and_websocket._authorize_ws_connect = _authorize_websocket_connect
    iam_actions.dynamodb_service_context = _dynamodb_context_with_leading_keys
    provisioners._sm_secret_string = _secret_string_as_asked
    lambda_svc._execute_function = _execute_and_see_what_failed
    rotation.install()
    ministack.app = _app_with_scope
    ministack.main()


if __name__ == "__main__":
    main()
