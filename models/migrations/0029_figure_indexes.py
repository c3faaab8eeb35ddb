"""Indexes for the figures of `/metrics` and `flask status`: each holds only what still waits or went wrong."""

from models.schema import run_script


def up(migrator, db):
    run_script(INDEXES)


INDEXES = """
CREATE INDEX "batch_state_state_changed_at" ON "batch" ("state", "state_changed_at");
CREATE INDEX "given_up_mail" ON "outgoing_mail" ("id") WHERE attempts > 0 and due_at is null and sent_at is null;
CREATE INDEX "given_up_push" ON "push_notification" ("id") WHERE attempts > 0 and due_at is null and sent_at is null;
CREATE INDEX "disputed_order_line" ON "order_line" ("id") WHERE standing = 'disputed';
"""
