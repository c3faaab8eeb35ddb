"""Names of the field for tables, columns and stored values (docs/decisions/0034-names-of-the-field.md).

Every row stays; a value means what it meant. Today's triggers are created afterwards, as after every migration.
"""

from models.dialect import drop_triggers, rename_column, rename_indexes, rename_table, rename_values
from models.schema import run_script


def up(migrator, db):
    drop_triggers()
    run_script("DROP INDEX IF EXISTS one_live_order;\n")  # names a value that is renamed
    for old, new in TABLES.items():
        rename_table(old, new)
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            rename_column(table, old, new)
    for (table, column), values in VALUES.items():
        rename_values(table, column, values)
    run_script(LIVE_ORDER)
    for table in sorted({*TABLES.values(), *COLUMNS}):
        rename_indexes(table, OWN_NAMES)


# Table: what it is called now.
TABLES = {
    "accepted_name": "accepted_creditor_name", "attempts": "rate_limit_bucket", "bank_access": "consent_usage",
    "bank_exchange": "bank_call", "bank_grant": "bank_oauth_grant", "bank_link": "bank_consent",
    "challenge": "webauthn_challenge", "delivery": "webhook_delivery",
    "four_eyes_change": "approval_threshold_change", "identity_attempt": "identification_attempt",
    "nmbrs_check": "nmbrs_permission_check", "nmbrs_consent": "nmbrs_oauth_request",
    "nmbrs_exchange": "nmbrs_call", "notification": "push_notification", "pin_tries": "pin_attempts",
    "run": "payroll_run", "warning_opened": "warning_acknowledgement",
}
# Today's table: its columns.
COLUMNS = {
    "accepted_creditor_name": {
        "name_given": "payroll_name", "name_at_bank": "vop_name", "at": "accepted_at",
    },
    "approval": {
        "proof": "authentication_method", "fixed_day": "date_was_automatic",
    },
    "approval_threshold_change": {
        "from_cents": "threshold_cents", "asked_at": "requested_at",
    },
    "audit_event": {
        "at": "created_at",
    },
    "authority": {
        "asked_at": "checked_at",
    },
    "bank_account": {
        "link_id": "consent_id", "transactions_at": "transactions_as_of",
        "transactions_asked_at": "transactions_requested_at",
    },
    "bank_call": {
        "at": "created_at", "call": "operation", "request_id": "x_request_id", "raw_status": "bank_status",
        "final": "is_final",
    },
    "bank_consent": {
        "next_page": "return_path", "consent_status": "bank_consent_status", "asked_at": "status_checked_at",
        "looked_at": "balances_requested_at",
    },
    "bank_oauth_grant": {
        "link_id": "consent_id", "verifier_sealed": "pkce_verifier_encrypted", "tokens_sealed": "tokens_encrypted",
    },
    "bank_order": {
        "request_id": "x_request_id", "body_sealed": "body_encrypted", "called_at": "submitted_at",
        "payment_id": "bank_payment_id", "raw_status": "bank_status", "return_hash": "redirect_state_hash",
        "form": "message_format", "notify_hash": "callback_state_hash", "by_hand": "is_manual",
        "returned_at": "psu_returned_at", "asked_at": "status_checked_at",
    },
    "bank_transaction": {
        "bank_key": "dedupe_key", "booked_on": "booking_date", "value_on": "value_date", "cents": "amount_cents",
        "party_name": "counterparty_name", "party_iban": "counterparty_iban", "text": "remittance_information",
        "role": "match_type", "seen_at": "imported_at",
    },
    "batch": {
        "nmbrs_company": "company_key", "orders_made": "order_count", "state_at": "state_changed_at",
        "difference": "is_supplement", "picked": "is_manually_imported", "missing_count": "unpaid_employee_count",
        "missing_names": "unpaid_employee_names", "changed_by_id": "last_edited_by_id", "lines_kept": "totals_cache",
    },
    "batch_line": {
        "name_shown": "creditor_name", "name_sent": "creditor_name_sepa", "description_shown": "remittance",
        "description_sent": "remittance_sepa", "iban": "creditor_iban", "paid_cents": "already_paid_cents",
        "name_match": "vop_result", "name_at_bank": "vop_name", "bank_reason": "bank_reason_code",
    },
    "client": {
        "name_check": "vop_enabled", "four_eyes_cents": "dual_approval_from_cents",
        "lines_hidden": "hide_lines_from_preparers",
    },
    "consent_usage": {
        "link_id": "consent_id", "what": "resource", "times": "read_count",
    },
    "device": {
        "agent": "user_agent", "seen_at": "last_seen_at", "offered_at": "install_offered_at",
    },
    "identification": {
        "person_sealed": "person_encrypted",
    },
    "identification_attempt": {
        "sealed": "oidc_request_encrypted", "identity_sealed": "identity_encrypted", "code_tries": "code_attempts",
        "arrived_at": "returned_at",
    },
    "invitation": {
        "to_sign": "as_co_signer", "withdrawn_at": "revoked_at",
    },
    "login_session": {
        "seen_at": "last_seen_at", "proved_at": "authenticated_at", "proved_until": "elevated_until",
    },
    "membership": {
        "used_at": "last_used_at",
    },
    "nmbrs_call": {
        "at": "created_at", "call": "operation", "asked": "request", "answer": "response",
    },
    "nmbrs_connection": {
        "token_sealed": "token_encrypted", "problem": "error_code", "interface": "api",
        "tokens_sealed": "tokens_encrypted", "asked_at": "last_success_at", "disturbed_at": "failing_since",
        "webhooks_wanted_at": "webhooks_requested_at", "title": "display_name",
    },
    "nmbrs_debtor": {
        "webhook": "webhook_status",
    },
    "nmbrs_oauth_request": {
        "verifier_sealed": "pkce_verifier_encrypted",
    },
    "nmbrs_permission_check": {
        "call": "operation", "needed": "is_required", "at": "checked_at",
    },
    "order_download": {
        "at": "created_at",
    },
    "order_line": {
        "iban": "creditor_iban",
    },
    "outgoing_mail": {
        "sealed": "payload_encrypted", "once": "dedupe_key",
    },
    "passkey": {
        "used_at": "last_used_at",
    },
    "payroll_company": {
        "key": "stable_key", "looked_at": "polled_at", "look_due_at": "poll_due_at", "look_attempts": "poll_attempts",
        "hinted_at": "webhook_received_at", "hinted_by_id": "webhook_delivery_id",
    },
    "payroll_run": {
        "reason_line": "error_line", "missing_since": "unlisted_since", "picked_at": "manually_selected_at",
    },
    "push_notification": {
        "what": "event", "once": "dedupe_key",
    },
    "push_subscription": {
        "sealed": "endpoint_encrypted",
    },
    "rate_limit_bucket": {
        "tries": "attempts", "free_at": "retry_at", "last_at": "last_attempt_at",
    },
    "release": {
        "proof": "authentication_method", "name_check": "vop_enabled",
    },
    "sca_session": {
        "links_sealed": "links_encrypted", "answer_sealed": "authorisation_encrypted",
    },
    "token_revocation": {
        "token_sealed": "token_encrypted",
    },
    "user_account": {
        "reset_at": "password_reset_at", "unheard": "muted_push_events", "language": "locale",
    },
    "warning_acknowledgement": {
        "about": "subject", "at": "acknowledged_at",
    },
    "webhook_delivery": {
        "handled_at": "processed_at",
    },
    "webhook_key": {
        "key_sealed": "key_encrypted",
    },
}
# Today's table and column: its values.
VALUES = {
    ("authority", "answer"): {
        "yes": "authorised", "no": "not_authorised", "not_established": "undetermined",
    },
    ("bank_account", "holder_check"): {
        "agrees": "matched", "yes": "approved", "no": "rejected",
    },
    ("bank_consent", "status"): {
        "refused": "declined",
    },
    ("bank_order", "state"): {
        "ready": "prepared", "sent": "submitted", "ended": "closed",
    },
    ("bank_transaction", "match_type"): {
        "lump": "batch",
    },
    ("batch_line", "state"): {
        "refused": "excluded", "void": "superseded",
    },
    ("nmbrs_connection", "status"): {
        "disturbed": "failing",
    },
    ("nmbrs_permission_check", "result"): {
        "trouble": "error",
    },
    ("payroll_run", "state"): {
        "found": "pending", "taken": "imported", "refused": "invalid", "older": "before_connection",
        "vanished": "deleted",
    },
    ("webauthn_challenge", "purpose"): {
        "prove": "reauthenticate",
    },
}
# Indexes that are not named after their columns.
OWN_NAMES = ("committed_order_lines", "one_approval_of_a_person", "one_live_order", "one_release_of_a_digest",)
LIVE_ORDER = """
CREATE UNIQUE INDEX "one_live_order" ON "bank_order" ("batch_id") WHERE state <> 'closed';
"""
