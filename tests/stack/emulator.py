"""MiniStack, with what it tells our functions put right.

MiniStack's events differ from API Gateway's where our functions look: they are corrected before the function is
invoked (see `events`). And more that would hide a mistake of ours: the error "Unauthorized" of a WebSocket authorizer
is a 401, a REST API whose media types are all binary makes text of no body, the client of an HTTP API is told the id
that is in the events, IAM conditions on dynamodb:LeadingKeys are evaluated, CloudFormation's ExcludePunctuation is
obeyed, and so is Join in its conditions, a stream's batch with failures is sent again, and secrets are rotated (see
`rotation`). It knows nothing about Countersign.

Run it instead of the `ministack` command, with the same environment.
"""

import contextvars
import json
import string

import ministack.app as ministack
from ministack.core import iam_actions
from ministack.services import apigateway as http_and_websocket
from ministack.services import apigateway_v1 as rest
from ministack.services import lambda_svc
from ministack.services.cloudformation import engine, handlers, provisioners, stacks

from . import events, rotation

_is_http_proxy = contextvars.ContextVar("is_http_proxy", default=False)
"""Whether a function is invoked as the integration of an HTTP API, and not by somebody's call."""


class Unauthorized(Exception):
    """A WebSocket authorizer failed with the one error message that means 401."""


# ---- Where MiniStack is corrected -------------------------------------------------------------------------

_authorize_rest = rest._invoke_authorizer_lambda
_authorize_http = http_and_websocket._invoke_request_authorizer_lambda
_authorize_websocket = http_and_websocket._authorize_ws_connect
_proxy_rest_event = rest._build_lambda_event_v1
_proxy_http = http_and_websocket._invoke_lambda_proxy
_serve_http = http_and_websocket.handle_execute
_media_type_matches = rest._media_type_matches
_dynamodb_context = iam_actions.dynamodb_service_context
_secret_string = provisioners._sm_secret_string
_evaluate_conditions = engine._evaluate_conditions
_execute_function = lambda_svc._execute_function
_app = ministack.app


async def _invoke_for_rest(authorizer, event, account_id, region):
    if event["type"] == "REQUEST":
        events.as_rest(event)
    return await _authorize_rest(authorizer, event, account_id, region)


async def _invoke_for_http_or_websocket(authorizer, event, account_id, region):
    if event["requestContext"].get("eventType") == "CONNECT":
        events.as_websocket(event)
        result = await _authorize_rest(authorizer, event, account_id, region)
        body = result and result.get("body")
        if result and result.get("error"):
            if isinstance(body, dict) and body.get("errorMessage") == "Unauthorized":
                raise Unauthorized
            return None
        return body if isinstance(body, dict) else json.loads(body or "null")
    if event.get("version") == "2.0":
        events.as_http_2_0(event)
    else:
        events.as_http_1_0(event, authorizer.get("identitySource") or [])
    return await _authorize_http(authorizer, event, account_id, region)


async def _authorize_websocket_connect(*arguments):
    try:
        return await _authorize_websocket(*arguments)
    except Unauthorized:
        return (401, "Unauthorized"), None


def _build_rest_event(*arguments, **options):
    event = _proxy_rest_event(*arguments, **options)
    events.as_rest(event)
    return event


async def _invoke_http(*arguments, **options):
    token = _is_http_proxy.set(True)
    try:
        return await _proxy_http(*arguments, **options)
    finally:
        _is_http_proxy.reset(token)


async def _serve_http_by_its_id(*arguments, **options):
    """The client is told the id that is in the events."""
    status, headers, body = await _serve_http(*arguments, **options)
    return status, headers | {"apigw-requestid": events.request_id()}, body


def _media_type_is_binary(media_type, binary_media_types):
    """What has no type is of any."""
    return "*/*" in (binary_media_types or []) or _media_type_matches(media_type, binary_media_types)


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
    if _is_http_proxy.get():
        events.as_http_2_0(event)
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


def _conditions_with_joins(template, parameters):
    def joined(value):
        match value:
            case {"Fn::Join": [delimiter, {"Ref": name}]}:
                return delimiter.join(parameters[name]["Value"].split(","))
            case dict():
                return {name: joined(member) for name, member in value.items()}
            case list():
                return [joined(member) for member in value]
        return value

    return _evaluate_conditions(template | {"Conditions": joined(template.get("Conditions", {}))}, parameters)


async def _app_with_scope(scope, receive, send):
    events.scope.set(scope)
    await _app(scope, receive, send)


def main():
    rest._invoke_authorizer_lambda = _invoke_for_rest
    http_and_websocket._invoke_request_authorizer_lambda = _invoke_for_http_or_websocket
    http_and_websocket._authorize_ws_connect = _authorize_websocket_connect
    http_and_websocket._invoke_lambda_proxy = _invoke_http
    http_and_websocket.handle_execute = _serve_http_by_its_id
    rest._build_lambda_event_v1 = _build_rest_event
    rest._media_type_matches = _media_type_is_binary
    iam_actions.dynamodb_service_context = _dynamodb_context_with_leading_keys
    provisioners._sm_secret_string = _secret_string_as_asked
    handlers._evaluate_conditions = stacks._evaluate_conditions = _conditions_with_joins
    lambda_svc._execute_function = _execute_and_see_what_failed
    rotation.install()
    ministack.app = _app_with_scope
    ministack.main()


if __name__ == "__main__":
    main()
