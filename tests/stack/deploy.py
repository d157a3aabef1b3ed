"""Deploys templates to the emulator, as CloudFormation would.

The real template goes in as it is, but for its `CodeUri`s: those are what `sam package` replaces as well.
"""

import platform
import re
import time

from . import ministack, package
from .places import ATTACHMENTS, TEMPLATE
from .processes import Failed

BUCKET = "code"
FUNCTIONS = ("authorizer", "forwarder", "key-sync")
CODE = re.compile(r"(Binary: (\S+) \}(?:\n.*){1,5}?\n +)CodeUri: \.")
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def upload(port):
    s3 = ministack.client("s3", port)
    s3.create_bucket(Bucket=BUCKET)
    for name in FUNCTIONS:
        s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=package.zipped(name).read_bytes())


def real_template(port, stack, **parameters):
    """Deploys template.yaml; returns its outputs. `parameters` besides those are the template's own."""
    text, functions = CODE.subn(rf"\1CodeUri: s3://{BUCKET}/\2.zip", TEMPLATE.read_text())
    if functions != len(FUNCTIONS):
        raise Failed(f"template.yaml has {functions} functions with `CodeUri: .`, not {len(FUNCTIONS)}")
    return _create(port, stack, text, {"Architecture": ARCHITECTURE, **parameters})


def attachments(port, stack, real):
    """Deploys the test bench beside a stack of the real template, given by its outputs."""
    parameters = {
        "CodeBucket": BUCKET,
        "CodeKey": "authorizer.zip",
        "KeyTable": real["KeyTableName"],
        "SigningSecret": real["SigningSecretArn"],
        "RoleArn": real["AuthorizerRoleArn"],
    }
    return _create(port, stack, ATTACHMENTS.read_text(), parameters)


def template(port, stack, path, **parameters):
    """Deploys any other template; returns its outputs."""
    return _create(port, stack, path.read_text(), parameters)


def _create(port, stack, text, parameters, seconds=60):
    cloudformation = ministack.client("cloudformation", port)
    # As SAM does: what comes with the call itself may be no longer than 51,200 bytes.
    ministack.client("s3", port).put_object(Bucket=BUCKET, Key=f"{stack}.yaml", Body=text.encode())
    cloudformation.create_stack(
        StackName=stack,
        TemplateURL=f"{ministack.endpoint(port)}/{BUCKET}/{stack}.yaml",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        if found["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
        if not found["StackStatus"].endswith("IN_PROGRESS"):
            raise Failed(f"stack {stack}: {found['StackStatus']}\n{_failures(cloudformation, stack)}")
        time.sleep(0.05)
    raise Failed(f"stack {stack} is not complete after {seconds} s")


def _failures(cloudformation, stack):
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
    return "\n".join(f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed)
