"""The manifests: valid where that can be checked, closed, and their commands and probes are those of the program."""

import http.client
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.conftest import Installed
from tests.support.deployment import DEPLOY, ask, free_port, local, running, wait_for_answer

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS = [one for name in KUSTOMIZATION["resources"] for one in yaml.safe_load_all((FOLDER / name).read_text())]
PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in OBJECTS if "template" in one.get("spec", {})}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def named(kind: str, name: str) -> dict[str, Any]:
    return next(one for one in OBJECTS if (one["kind"], one["metadata"]["name"]) == (kind, name))


def container(name: str) -> dict[str, Any]:
    (found,) = PODS[name]["spec"]["containers"]
    return found


def test_every_manifest_is_applied():
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*KUSTOMIZATION["resources"], "kustomization.yaml"}
    assert set(PODS) == {"bizcuit-migrate", "bizcuit-web", "bizcuit-worker"}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kustomize_builds_all_of_it():
    done = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(OBJECTS)
    assert {one["metadata"].get("namespace", "bizcuit") for one in built} == {"bizcuit"}
    assert "image: registry.example.nl/bizcuit:0.1.0" in done.stdout and "image: bizcuit\n" not in done.stdout


def test_every_manifest_is_valid():
    schemas = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for one in OBJECTS:
        schemas.validate(one, schemas.latest_version(), strict=True)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_can_do_little(name: str):
    pod, inner = PODS[name]["spec"], container(name)["securityContext"]
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    assert (inner["allowPrivilegeEscalation"], inner["readOnlyRootFilesystem"]) == (False, True)
    assert inner["capabilities"] == {"drop": ["ALL"]}
    assert container(name)["envFrom"] == [{"configMapRef": {"name": "bizcuit"}}]
    assert container(name)["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", PODS)
def test_what_a_pod_mounts_is_there(name: str):
    spec = PODS[name]["spec"]
    claims = named("StatefulSet", name)["spec"]["volumeClaimTemplates"] if name == "bizcuit-worker" else []
    volumes = {one["name"] for one in spec["volumes"]} | {one["metadata"]["name"] for one in claims}
    mounts = {one["name"]: one["mountPath"] for one in container(name)["volumeMounts"]}
    assert set(mounts) == volumes
    assert (mounts["home"], mounts["secrets"]) == ("/var/lib/bizcuit", "/run/secrets/bizcuit")


def test_what_workers_keep_outlives_them():
    """One witness of what was paid must outlive the database (docs/operating.md, "Backups")."""
    (claim,) = named("StatefulSet", "bizcuit-worker")["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "home"
    assert PODS["bizcuit-worker"]["spec"]["terminationGracePeriodSeconds"] > 600
    assert container("bizcuit-worker")["command"] == ["python", "worker.py"]


def test_the_job_runs_the_steps_of_the_unit():
    (script,) = container("bizcuit-migrate")["args"]
    flask = "flask --app app"
    assert script.splitlines() == [f"{flask} check-config", f"{flask} migrate", f"{flask} check-config --connect"]
    assert container("bizcuit-migrate")["command"] == ["sh", "-ec"]


def _references(one: dict[str, Any]) -> Iterator[tuple[str, str | int]]:
    """Yield the services and ports that an ingress names."""
    for rule in one["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            service = path["backend"]["service"]
            yield service["name"], next(iter(service["port"].values()))


def test_services_find_their_pods_and_the_proxy_its_services():
    for name in ("bizcuit-web", "bizcuit-worker"):
        assert PODS[name]["metadata"]["labels"] == named("Service", name)["spec"]["selector"]
    assert "selector" not in named("Service", "bizcuit-unpublished")["spec"]
    for one in (named("Ingress", "bizcuit-app"), named("Ingress", "bizcuit-hook")):
        for service, port in _references(one):
            ports = named("Service", service)["spec"]["ports"]
            assert port in {value for entry in ports for value in (entry["port"], entry.get("name"))}


def test_only_pages_and_the_webhook_are_published():
    (app,) = named("Ingress", "bizcuit-app")["spec"]["rules"]
    told = {path["path"]: path["backend"]["service"]["name"] for path in app["http"]["paths"]}
    nowhere = "bizcuit-unpublished"
    assert told == {"/readyz": nowhere, "/metrics": nowhere, "/client": nowhere, "/": "bizcuit-web"}
    (hook,) = named("Ingress", "bizcuit-hook")["spec"]["rules"]
    assert [path["path"] for path in hook["http"]["paths"]] == ["/client"]
    settings = named("ConfigMap", "bizcuit")["data"]
    assert settings["BIZCUIT_BASE_URL"] == f"https://{app['host']}"
    assert settings["BIZCUIT_HOOK_URL"] == f"https://{hook['host']}"


def test_the_web_server_starts_with_tls_and_its_probes_answer(installed: Installed, tmp_path: Path):
    certificate = tmp_path / "tls"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=bizcuit-web", "-keyout", f"{certificate}.key", "-out", f"{certificate}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    web = container("bizcuit-web")
    changes = {"0.0.0.0:8443": f"127.0.0.1:{port}", "/run/secrets/tls": str(tmp_path)}
    command = local(web["command"])
    for there, here in changes.items():
        command = [part.replace(there, here) for part in command]
    trusting = ssl.create_default_context(cafile=f"{certificate}.crt")
    trusting.check_hostname = False

    def connect() -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("127.0.0.1", port, context=trusting)

    assert web["ports"] == [{"name": "https", "containerPort": 8443}]
    with running(command, installed.settings) as started:
        wait_for_answer(started, connect)
        for name in PROBES:
            probe = web[name]["httpGet"]
            assert (probe["port"], probe["scheme"]) == ("https", "HTTPS")
            assert ask(connect(), probe["path"])[0] == 200
    assert [web[name]["httpGet"]["path"] for name in PROBES] == ["/healthz", "/healthz", "/readyz"]
