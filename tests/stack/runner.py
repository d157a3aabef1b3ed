"""Sends the cases one after another, and compares what became of each with what must.

The decision and its code are read from the audit line that the authorizer wrote about that very request; where it
wrote none, the gateway decided by itself.
"""

from dataclasses import dataclass

from .expect import Case, Expectation
from .gateway import Answer, Audit, send

PATIENCE = 3.0
"""Seconds that an expected audit line may take."""


@dataclass(frozen=True)
class Outcome:
    case: Case
    seen: Expectation
    answer: Answer

    @property
    def agrees(self):
        return self.seen == self.case.expected


def run(stack, cases):
    """Yields the outcome of each case as soon as it is known."""
    audit = Audit(stack.port)
    for case in cases:
        expects_line = case.expected.outcome != "gateway"
        audit.new_lines(case.api.logs)
        answer = send(stack.port, case.api, case.request())
        lines = audit.new_lines(case.api.logs, wait=PATIENCE if expects_line else 0)
        yield Outcome(case, _decision(lines, answer.status), answer)


def _decision(lines, status):
    match lines:
        case []:
            return Expectation("gateway", "", status)
        case [line]:
            return Expectation(line["outcome"], line["code"], status)
    return Expectation(f"{len(lines)} audit lines", ",".join(line["code"] for line in lines), status)
