"""Secrets Manager's rotation, which MiniStack has not: the placeholder, the four steps, their repetition.

Replaces MiniStack's RotateSecret, and gives it CloudFormation's RotationSchedule. Not emulated is the schedule itself
and the trial of testSecret that comes with RotateImmediately=false. It knows nothing about Countersign.
"""

import contextvars
import threading
import time

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import lambda_svc
from ministack.services import secretsmanager as service
from ministack.services.cloudformation import provisioners

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
ATTEMPTS = 5
PAUSE = 1.0
"""Seconds between two attempts; Secrets Manager takes longer."""

_get_secret_value = service._get_secret_value


def install():
    service._rotate_secret = _rotate_secret
    service._get_secret_value = _value_if_there_is_one
    handlers = {"create": _create_schedule, "delete": _delete_schedule}
    provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::RotationSchedule"] = handlers


def _rotate_secret(request):
    _, secret = service._resolve(request["SecretId"])
    if not secret:
        return error_response_json("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)
    secret["RotationLambdaARN"] = request.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    secret["RotationRules"] = request.get("RotationRules") or secret.get("RotationRules")
    if not secret["RotationLambdaARN"]:
        return error_response_json("InvalidRequestException", "No Lambda rotation function ARN is associated.", 400)
    secret["RotationEnabled"] = True
    token = request.get("ClientRequestToken") or new_uuid()
    pending, version = service._find_stage_version(secret, "AWSPENDING")
    if pending and pending != token and "AWSCURRENT" not in version["Stages"]:
        return error_response_json("InvalidRequestException", "A previous rotation isn't complete.", 400)
    if request.get("RotateImmediately", True):
        _begin(secret, token)
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})


def _begin(secret, token):
    if token not in secret["Versions"]:
        service._remove_stage_everywhere(secret, "AWSPENDING")
        placeholder = {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time())}
        secret["Versions"][token] = placeholder | {"Stages": ["AWSPENDING"]}
    # Which account and region this is about is kept in context variables.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_run, secret, token), daemon=True).start()


def _run(secret, token):
    function, _ = lambda_svc._get_func_record_for_qualifier(secret["RotationLambdaARN"].split(":")[6], None)
    for _ in range(ATTEMPTS):
        if all(_step(function, secret, token, step) for step in STEPS):
            return
        time.sleep(PAUSE)


def _step(function, secret, token, step):
    event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
    return not lambda_svc._execute_function(function, event).get("error")


def _value_if_there_is_one(request):
    """A placeholder is described, but has no value to be got."""
    status, _, body = answer = _get_secret_value(request)
    if status == 200 and b'"SecretString"' not in _bytes(body) and b'"SecretBinary"' not in _bytes(body):
        return error_response_json("ResourceNotFoundException", "Secrets Manager can't find the secret value.", 400)
    return answer


def _bytes(body):
    return body if isinstance(body, bytes) else body.encode()


def _create_schedule(logical_id, properties, stack):
    _, secret = service._resolve(properties["SecretId"])
    secret["RotationEnabled"] = True
    secret["RotationLambdaARN"] = properties["RotationLambdaARN"]
    secret["RotationRules"] = properties.get("RotationRules")
    if properties.get("RotateImmediatelyOnUpdate", True):
        _begin(secret, new_uuid())
    return secret["ARN"], {"Id": secret["ARN"]}


def _delete_schedule(physical_id, properties):
    _, secret = service._resolve(physical_id)
    if secret:
        secret["RotationEnabled"] = False
