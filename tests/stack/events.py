"""MiniStack's events, made into what API Gateway sends.

Both kinds go wrong alike: what an authorizer is asked, and what an AWS_PROXY integration invokes its function with. A
REST path arrives decoded, an HTTP 1.0 event does not say that it is one, repeated headers and cookies are gone, the two
events of a request have different ids. Put right from what the client sent, which is kept with its request.
"""

import contextvars
import uuid

from ministack.services import apigateway as http_and_websocket

scope = contextvars.ContextVar("asgi_scope")
"""The request that is being served."""


def _sent_headers():
    """Every header line of the client's request, by lower-case name, in order."""
    lines = {}
    for name, value in scope.get()["headers"]:
        lines.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
    return lines


def _sent_path():
    return scope.get()["raw_path"].decode("ascii").partition("?")[0]


def _client():
    return scope.get()["client"][0]


def request_id():
    """The same for authorizer, integration and the client's answer."""
    return scope.get().setdefault("countersign.request_id", str(uuid.uuid4()))


def _domain(context):
    return f"{context['apiId']}.execute-api.{http_and_websocket._HOST}"


def as_rest(event):
    """REST: paths as sent, the last of repeated values in the single maps, all of them in the multi maps."""
    sent, context = _sent_headers(), event["requestContext"]
    stage = "/" + context["stage"]
    event.pop("version", None)
    event["path"] = _sent_path().removeprefix(stage) or "/"
    event["headers"] = {name: values[-1] for name, values in sent.items()}
    event["multiValueHeaders"] = sent
    _last_of_each(event)
    context |= {
        "path": _sent_path(),
        "domainName": _domain(context),
        "domainPrefix": context["apiId"],
        "protocol": "HTTP/1.1",
        "requestId": request_id(),
    }
    context["identity"]["sourceIp"] = _client()
    if "authorizer" in context:
        context["authorizer"]["integrationLatency"] = 42


def as_http_1_0(event, identity_sources):
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
        "domainPrefix": context["apiId"],
        "protocol": "HTTP/1.1",
        "requestId": request_id(),
        "identity": {"sourceIp": _client(), "userAgent": sent.get("user-agent", [""])[0]},
    }


def as_http_2_0(event):
    """HTTP API, format 2.0: repeated headers joined, cookies apart, the query as sent."""
    sent = _sent_headers()
    cookies = [cookie.strip() for line in sent.pop("cookie", []) for cookie in line.split(";")]
    event["headers"] = {name: ",".join(lines) for name, lines in sent.items()}
    event |= {"cookies": cookies} if cookies else {}
    event["rawQueryString"] = scope.get()["query_string"].decode("ascii")
    event["requestContext"] |= {"domainPrefix": event["requestContext"]["apiId"], "requestId": request_id()}
    event["requestContext"]["http"]["sourceIp"] = _client()


def as_websocket(event):
    sent = _sent_headers()
    event["headers"] = {name: lines[-1] for name, lines in sent.items()}
    event["multiValueHeaders"] = sent


def _last_of_each(event):
    several = event["multiValueQueryStringParameters"] or {}
    event["queryStringParameters"] = {name: values[-1] for name, values in several.items()} or None
