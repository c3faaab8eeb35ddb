"""The baseline of the webhook: a Flask view that stores the body durably and answers."""

import os

import peewee
from flask import Flask, Response, request
from playhouse.db_url import connect

database = connect(
    f"sqlite:///{os.environ['BENCH_DATABASE']}",
    pragmas={"journal_mode": "wal", "busy_timeout": 5000, "foreign_keys": 1, "synchronous": 2},
)


class Delivery(peewee.Model):
    body = peewee.BlobField()

    class Meta:
        database = database


database.create_tables([Delivery])
database.close()
application = Flask("bare")


@application.post("/")
def receive() -> Response:
    with database.connection_context():
        Delivery.insert(body=request.get_data()).execute()
    return Response(status=200)


@application.get("/healthz")
def healthz() -> str:
    return "ok"
