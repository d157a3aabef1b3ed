"""key-sync as an operator meets it: its parameters in the template, its jobs, its reports."""

import json
import time

from . import edge, ministack


def parameters(port, worker):
    """What the template needs to know of the edge. Stores the API token where an operator would."""
    token = ministack.client("secretsmanager", port).create_secret(Name="cloudflare-token", SecretString=edge.TOKEN)
    return {
        "CloudflareAccount": edge.ACCOUNT,
        "CloudflareNamespace": edge.NAMESPACE,
        "CloudflareScript": edge.SCRIPT,
        "CloudflareTokenSecretArn": token["ARN"],
        "CloudflareApi": worker.cloudflare,
        "EdgeUrl": worker.edge,
        "RotateEvery": "rate(30 days)",
    }


def job(port, real, name, **more):
    """Invokes a job and returns its report."""
    return invoke(port, real, {"job": name, **more})


def begin(port, real, name):
    """Begins a job and does not wait for its end."""
    event = json.dumps({"job": name})
    function = real["KeySyncFunction"]
    ministack.client("lambda", port).invoke(FunctionName=function, InvocationType="Event", Payload=event)


def invoke(port, real, event):
    answer = ministack.client("lambda", port).invoke(FunctionName=real["KeySyncFunction"], Payload=json.dumps(event))
    body = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise JobFailed(body.get("errorType"), body.get("errorMessage"))
    return body


class JobFailed(Exception):
    """A job ended with an error: its code and its message."""

    @property
    def code(self):
        return self.args[0]


def labels(port, real):
    """The secret's versions by their staging labels."""
    secret = ministack.client("secretsmanager", port).describe_secret(SecretId=real["SigningSecretArn"])
    return {label: version for version, labels in secret["VersionIdsToStages"].items() for label in labels}


def rotate(port, real):
    """Begins a rotation; returns the VersionId of the key that it makes."""
    client = ministack.client("secretsmanager", port)
    return client.rotate_secret(SecretId=real["SigningSecretArn"])["VersionId"]


def until(holds, seconds, what, pause=0.05):
    """Waits until something holds; returns after how many seconds it did."""
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)
    return time.monotonic() - begun
