"""The AWS emulator: starts it, with IAM enforced, and makes the clients that talk to it."""

import contextlib
import functools
import os
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

from . import processes
from .places import DOMAIN, PYTHON, REGION, ROOT


def start(port, directory, *, enforce_iam=True, trusted=None):
    """Starts the emulator on a port of the loopback interface; returns its process group.

    `directory` takes everything it writes. Functions inherit this environment, so nothing of ours is in it but the
    certificate that they are to trust, if there is one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
        "PYTHONPATH": str(ROOT / "tests"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AUTH": "true" if enforce_iam else "false",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": DOMAIN,
        "MINISTACK_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    if trusted is not None:
        environment["SSL_CERT_FILE"] = str(trusted)
    command = [PYTHON, "-m", "stack.emulator"]
    return processes.start("ministack", command, lambda: _answers(port), cwd=directory, environment=environment)


def endpoint(port):
    return f"http://127.0.0.1:{port}"


@functools.cache
def client(service, port):
    """A client with the emulator's root credentials, which are no secret."""
    return client_as(service, port, {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": None})


def client_as(service, port, credentials):
    """A client with credentials as STS answers them."""
    return boto3.client(
        service,
        endpoint_url=endpoint(port),
        region_name=REGION,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60),
    )


def _answers(port):
    with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        return urllib.request.urlopen(f"{endpoint(port)}/_ministack/health", timeout=1).status == 200
    return False
