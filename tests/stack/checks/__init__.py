"""What the suite asks of the whole stack besides the demo's requests.

The first line of a check says what holds; it raises where that does not.
"""

from . import changes, edge, forwarder, privilege, results, sync, template

__all__ = ["CHECKS", "LAST", "begin_slow"]


def begin_slow(stack):
    """Begins what takes its time; returns the checks of what must follow."""
    return [*changes.begin_slow(stack), *sync.begin(stack)]


CHECKS = [
    privilege.the_role_does_no_more_than_it_needs,
    privilege.key_sync_does_no_more_than_it_needs,
    privilege.the_forwarder_does_no_more_than_it_needs,
    privilege.a_private_signing_key_is_not_for_the_authorizer,
    template.gateways_may_invoke_their_functions,
    template.the_template_refuses_what_would_be_unsafe,
    template.table_and_secret_outlive_their_stack,
    template.examples_attach_to_apis_that_exist,
    template.back_ends_may_be_private,
    template.signed_request_signs_as_the_edge_does,
    template.browsers_may_read_refusals,
    results.the_back_end_is_told_who_calls,
    results.nonces_are_claimed_for_as_long_as_they_count,
    results.every_decision_is_a_line_and_a_metric,
    results.no_secret_is_in_any_log,
    sync.ticks_come_by_themselves,
    sync.requests_are_taken_at_their_word,
    template.the_probe_is_for_the_edge,
    forwarder.back_ends_are_told_who_calls,
    forwarder.the_edges_log_is_no_metric,
    forwarder.nothing_is_forwarded_without_the_authorizer,
]

LAST = [
    forwarder.routes_choose_the_back_end,
    forwarder.the_edge_signs_bodies,
    edge.clients_cannot_speak_for_the_edge,
    edge.queries_are_passed_on_without_the_key,
    edge.both_keep_an_address_out,
    edge.exact_limits_are_exact,
    edge.the_printed_curl_lines_work,
    edge.the_edge_tells_nothing_secret,
    forwarder.a_key_is_known_before_it_is_published,
    sync.a_rollback_of_the_worker_is_undone,
    sync.an_outage_of_cloudflare_is_caught_up_with,
    sync.an_emergency_rotation_ends_the_old_keys,
    sync.table_and_edge_agree,
    sync.key_sync_keeps_its_secrets,
    results.alarms_stand_on_metrics_that_are_written,
]
"""What would disturb the slow checks, or must see all that they have done."""
