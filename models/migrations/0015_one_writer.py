"""What once kept writers apart is gone: a transaction holds its client's row (decision 0019)."""


def up(migrator, db):
    for table, column in (("client", "lease_until"), ("client", "lease_by"), ("bank_account", "releases")):
        db.execute_sql(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
