"""Sends clients' requests to the edge, and compares what became of each at both ends with what must."""

import json
from dataclasses import dataclass

from . import rays
from .clients import Case
from .gateway import Answer
from .rays import Trace
from .stack import SYNCED

WITHHELD = {401: "unauthorized", 403: "forbidden"}
"""What clients are told instead of the reason."""


@dataclass(frozen=True)
class Outcome:
    case: Case
    answer: Answer
    trace: Trace

    @property
    def edge(self):
        return self.trace.edge["code"] + (", streamed" if "body" in self.trace.edge else "")

    @property
    def authorizer(self):
        return self.trace.authorizer and self.trace.authorizer["code"]

    @property
    def forwarder(self):
        return self.trace.forwarder and self.trace.forwarder["code"]

    @property
    def agrees(self):
        case, status = self.case, self.answer.status
        seen = (self.edge, self.authorizer, self.forwarder, status)
        as_meant = seen == (case.edge, case.authorizer, case.forwarder, case.status)
        is_told = self.trace.edge["status"] == status and (self.trace.edge["outcome"] == "allow" or self._tells_less)
        return as_meant and is_told and self.trace.is_one

    @property
    def _tells_less(self):
        """Whether the client learns the line's id, and its code unless that is about who he is."""
        line, told = self.trace.edge, json.loads(self.answer.body)
        code = WITHHELD.get(self.answer.status, line["code"])
        return (told["code"], told["request_id"]) == (code, line["request_id"])


def run(stack, cases):
    """Sends all of them one after another, then waits for the lines; returns the outcomes."""
    answers = [(case, stack.edge.send(case.request())) for case in cases]
    traces = rays.gather(stack.port, stack.outputs[SYNCED], [answer.headers["cf-ray"] for _, answer in answers])
    return [Outcome(case, answer, traces[answer.headers["cf-ray"]]) for case, answer in answers]
