"""When putting the app on the home screen was offered on a device; null: never yet."""

from peewee import SqliteDatabase


def up(migrator, db):
    moment = "DATETIME" if isinstance(db, SqliteDatabase) else "TIMESTAMP"
    db.execute_sql(f'ALTER TABLE "device" ADD COLUMN "offered_at" {moment}')
