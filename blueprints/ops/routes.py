import hmac

from flask import Blueprint, Response, abort, current_app, jsonify, request
from peewee import PeeweeException
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from domain.operations import metrics as health
from jobs import connection

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def liveness() -> Response:
    """Return 200 if the process responds, whatever its dependencies."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def readiness() -> tuple[Response, int]:
    """Return 200, or 503 with what is missing: a dependency, or migrations of this version, which are named."""
    missing, pending = [], []
    try:
        pending = health.database_answers()
    except PeeweeException:
        missing.append("database")
    if pending:
        missing.append("migrations")
    try:
        connection().ping()
    except RedisError:
        missing.append("queue")
    told = {"ready": not missing, "missing": missing} | ({"migrations": pending} if pending else {})
    return jsonify(told), 503 if missing else 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the Prometheus metrics. Requires the configured token; 404 without one."""
    wanted = current_app.config["METRICS_TOKEN"]
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not wanted or not hmac.compare_digest(wanted.encode(), given.encode()):
        abort(404)
    return Response(generate_latest(health.REGISTRY), content_type=CONTENT_TYPE_LATEST)
