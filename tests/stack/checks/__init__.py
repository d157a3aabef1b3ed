"""What the suite asks of the whole stack besides the demo's requests.

The first line of a check says what holds; it raises where that does not.
"""

from . import privilege, results, template
from .changes import begin_slow

__all__ = ["CHECKS", "begin_slow"]

CHECKS = [
    privilege.the_role_does_no_more_than_it_needs,
    privilege.a_private_signing_key_is_not_for_the_authorizer,
    template.gateways_may_invoke_the_authorizer,
    template.the_template_refuses_what_would_be_unsafe,
    template.table_and_secret_outlive_their_stack,
    template.examples_attach_to_apis_that_exist,
    template.signed_request_signs_as_the_edge_does,
    template.browsers_may_read_refusals,
    results.the_back_end_is_told_who_calls,
    results.nonces_are_claimed_for_as_long_as_they_count,
    results.every_decision_is_a_line_and_a_metric,
    results.no_secret_is_in_any_log,
]
