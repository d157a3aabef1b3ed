"""The whole local stack: emulator, issuer, edge, back ends, the real template four times, the test bench, keys."""

import contextlib
import shutil
import sys
import time
from dataclasses import dataclass

from . import backend, certificate, deploy, edge, forwarder, issuer, key_sync, ministack, processes, routes, seed
from .edge import Edge
from .gateway import Api
from .places import DOMAIN, HOME


@dataclass(frozen=True)
class Stack:
    port: int
    """Of the emulator."""
    issuer_port: int
    groups: list[int]
    """Process groups, to be stopped."""
    directory: str
    """What the emulator wrote, to be removed."""
    apis: dict[str, Api]
    keys: dict[str, str]
    """Raw API keys by name (see seed)."""
    outputs: dict[str, dict[str, str]]
    """Of the deployed templates, by stack."""
    edge: Edge
    """Stands before the API of SYNCED."""


# Stacks of the real template: each edge algorithm once, each example API with the forwarder, and one without.
HMAC, ED25519, P256, BENCH = "countersign", "countersign-rest", "countersign-p256", "bench"
SYNCED = "countersign-synced"
"""The stack whose edge is supplied by key-sync; the others' keys are put where they belong by hand."""
REAL = {
    HMAC: {"ExampleApi": "http", "SigningAlgorithm": "hmac-sha256"},
    ED25519: {"ExampleApi": "rest", "SigningAlgorithm": "ed25519", "BodyDigest": "required"},
    P256: {"ExampleApi": "http", "SigningAlgorithm": "ecdsa-p256-sha256", "HttpAnswer": "simple", "Replay": "all"},
}
WITH_FORWARDER = (ED25519, P256, SYNCED)


@contextlib.contextmanager
def running():
    """A stack of one's own, gone afterwards."""
    stack = start()
    try:
        yield stack
    finally:
        stop(stack)


def start():
    began = time.monotonic()
    port, issuer_port = processes.free_port(), processes.free_port()
    directory = HOME / f"run-{port}"
    groups = []
    try:
        trusted, key = certificate.make(directory)
        with step("emulator (IAM enforced)"):
            groups.append(ministack.start(port, directory, trusted=trusted))
        with step("OIDC issuer"):
            groups.append(issuer.start(issuer_port, trusted, key))
        with step("Cloudflare's API and front door"):
            worker, group = edge.start(f"edge-{port}")
            groups.append(group)
        with step("back ends"):
            urls, started = forwarder.start_back_ends()
            old, group = backend.start(edge.OLD)
            groups += [*started, group]
        outputs = _deploy(port, worker, urls)
        with step("signing keys, API keys, routes, issuer"):
            signing_keys, keys = _seed(port, issuer_port, outputs)
        with step("edge Worker in workerd"):
            host = outputs[SYNCED]["ExampleUrl"].removeprefix("https://")
            worker.stand_before(ministack.endpoint(port), host, old)
        key_sync.begin(port, outputs[SYNCED], "bootstrap")
        key_sync.begin(port, outputs[SYNCED], "reconcile")
        print(f"  up in {time.monotonic() - began:.1f} s", file=sys.stderr)
        return Stack(port, issuer_port, groups, str(directory), _apis(outputs, signing_keys), keys, outputs, worker)
    except BaseException:
        stop_parts(groups, directory)
        raise


def _deploy(port, worker, urls):
    """Deploys everything; returns the outputs by stack."""
    outputs = {}

    def real(name, **parameters):
        outputs[name] = deploy.real_template(port, name, IssuerNetwork="any", **REAL.get(name, {}), **parameters)

    with step("deploy template.yaml"):
        deploy.upload(port)
        real(HMAC)
    with step("deploy the test bench"):
        outputs[BENCH] = deploy.attachments(port, BENCH, outputs[HMAC])
    with step("deploy it with forwarder, and with key-sync"):
        forwarded = forwarder.parameters(urls, outputs[BENCH]["EchoArn"])
        real(ED25519, **forwarded)
        real(P256, **forwarded)
        real(SYNCED, **forwarded, **key_sync.parameters(port, worker))
    return outputs


def stop(stack):
    stop_parts(stack.groups, stack.directory)


def stop_parts(groups, directory):
    for group in reversed(groups):
        processes.stop(group)
    shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def step(what):
    """Tells what is going on, and how long it took."""
    print(f"  {what} … ", end="", file=sys.stderr, flush=True)
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def _seed(port, issuer_port, outputs):
    records = list(seed.key_records())
    for name in [*REAL, SYNCED]:
        table = outputs[name]["KeyTableName"]
        for _, raw, attributes in records:
            seed.put(port, table, f"key#{seed.key_hash(raw)}", attributes)
        seed.issuer_record(port, table, issuer_port)
    routes.put_all(port, outputs[SYNCED])
    signing_keys = {
        name: seed.signing_key(port, outputs[name], parameters["SigningAlgorithm"]) for name, parameters in REAL.items()
    }
    signing_keys[SYNCED] = seed.signing_key(port, outputs[SYNCED], "hmac-sha256")
    return signing_keys, {name: raw for name, raw, _ in records}


def _apis(outputs, signing_keys):
    bench = outputs[BENCH]

    def attached(kind, api, function, base=""):
        host = f"{bench[api]}.execute-api.{DOMAIN}"
        return Api(kind, host, base, f"/aws/lambda/{bench[function]}", signing_keys[HMAC])

    def example(kind, stack, url="ExampleUrl", logs="AuthorizerLogGroup"):
        host, _, stage = outputs[stack][url].removeprefix("https://").partition("/")
        return Api(kind, host, f"/{stage}" if stage else "", outputs[stack][logs], signing_keys[stack])

    return {
        "rest": attached("REST request", "Rest", "EdgeFunction", "/test"),
        "token": attached("REST token", "Token", "CallerFunction", "/test"),
        "http1": attached("HTTP 1.0", "Http1", "EdgeFunction"),
        "http2": attached("HTTP 2.0", "Http2", "EdgeFunction"),
        "simple": attached("HTTP 2.0 simple", "Http2Simple", "SimpleFunction"),
        "websocket": attached("WebSocket", "WebSocket", "EdgeFunction", "/test"),
        "example": example("HTTP 2.0 example", HMAC),
        "rest_example": example("REST example", ED25519, "RestExampleUrl"),
        "synced": example("HTTP 2.0 with key-sync", SYNCED),
        "p256_example": example("HTTP simple example", P256),
        # The same APIs by the lines of the function behind the authorizer.
        "forwarder": example("HTTP, forwarder", P256, logs="ForwarderLogGroup"),
        "rest_forwarder": example("REST, forwarder", ED25519, "RestExampleUrl", logs="ForwarderLogGroup"),
        "synced_forwarder": example("HTTP, synced forwarder", SYNCED, logs="ForwarderLogGroup"),
    }
