"""Until when a return of wage tax must be paid, and when that was looked at last."""

from models.dialect import allow_more_values
from models.schema import run_script


def up(migrator, db):
    allow_more_values("push_notification", "run_late", "'run_late'", "'run_late', 'wage_tax_due'")
    run_script(
        """
        ALTER TABLE "payroll_run" ADD COLUMN "pay_by" DATE;
        ALTER TABLE "payroll_run" ADD COLUMN "pay_by_checked_on" DATE;
        """
    )
