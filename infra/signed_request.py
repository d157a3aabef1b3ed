#!/usr/bin/env python3
"""Sends one request to a deployed example API, signed as the edge signs it: to see that the lock opens.

    python3 infra/signed_request.py STACK METHOD PATH [API_KEY]

Asks CloudFormation for the example's URL and Secrets Manager for the current signing key, through the `aws` command;
whoever may run it may sign anything. Needs nothing but Python's standard library.
"""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def main(stack, method, path, api_key=None):
    outputs = aws("cloudformation", "describe-stacks", "--stack-name", stack)["Stacks"][0]["Outputs"]
    output = {entry["OutputKey"]: entry["OutputValue"] for entry in outputs}
    url = urllib.parse.urlsplit(output.get("ExampleUrl") or output["RestExampleUrl"])
    secret = aws("secretsmanager", "get-secret-value", "--secret-id", output["SigningSecretArn"])
    target = url.path + path
    headers = signed(method, url.netloc, target, api_key, secret["VersionId"], signing_key(secret["SecretString"]))
    request = urllib.request.Request(f"https://{url.netloc}{target}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            print(response.status, response.read().decode())
    except urllib.error.HTTPError as refusal:
        print(refusal.code, refusal.read().decode())
        return 1
    return 0


def aws(*arguments):
    return json.loads(subprocess.run(["aws", *arguments, "--output", "json"], check=True, capture_output=True).stdout)


def signing_key(text):
    """The generated first value is the key itself; a rotation stores JSON."""
    if not text.startswith("{"):
        return text.encode()
    value = json.loads(text)
    if value["alg"] != "hmac-sha256":
        sys.exit("The signing key is asymmetric: only key-sync and the edge can sign with it.")
    return base64.urlsafe_b64decode(value["key"] + "=" * (-len(value["key"]) % 4))


def signed(method, authority, target, api_key, keyid, key):
    """The headers that the edge adds. RFC 9421 §2.5, §3.1."""
    sent = {"edge-target": target, "edge-client": 'ip="192.0.2.1"'}
    if api_key:
        sent["edge-key"] = hashlib.sha256(api_key.encode()).hexdigest()
    values = {"@method": method, "@authority": authority} | sent
    created = int(time.time())
    components = " ".join(f'"{name}"' for name in values)
    parameters = f'({components});created={created};expires={created + 60};keyid="{keyid}"'
    parameters += f';nonce="{secrets.token_urlsafe(18)}";tag="countersign"'
    lines = [f'"{name}": {value}' for name, value in values.items()] + [f'"@signature-params": {parameters}']
    tag = hmac.digest(key, "\n".join(lines).encode(), "sha256")
    return sent | {"signature-input": f"edge={parameters}", "signature": f"edge=:{base64.b64encode(tag).decode()}:"}


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
