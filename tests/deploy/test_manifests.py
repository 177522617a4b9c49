"""Container files say what they mean: valid by their schemas, naming commands, settings and volumes that exist."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import kubernetes_validate
import pytest
import typer.main
import yaml

from bus.settings import Settings
from bus.validated import validated
from deploy.cli import build
from ingest.table import configured

DEPLOY = Path(__file__).parents[2] / "deploy"
CONTAINER = DEPLOY / "container"
COMPOSE: dict[str, Any] = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = [
    document
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
OURS = {name: service for name, service in COMPOSE["services"].items() if name not in ("kafka", "postgres")}
WITH_PODS = [manifest for manifest in MANIFESTS if manifest["kind"] in ("Deployment", "Job")]


def _name(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


def _containers() -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    """Of both kinds: whose, the arguments, and the environment."""
    for name, service in OURS.items():
        yield f"compose {name}", service["command"], service.get("environment", {})
    for manifest in WITH_PODS:
        for container in manifest["spec"]["template"]["spec"]["containers"]:
            given = {each["name"]: each for each in container.get("env", ())}
            yield f"kubernetes {_name(manifest)}", container["args"], given


def _settings_files() -> Iterator[tuple[str, str]]:
    yield "compose", (CONTAINER / "deskstream.toml").read_text()
    for manifest in MANIFESTS:
        if manifest["kind"] == "ConfigMap":
            yield "kubernetes", manifest["data"]["deskstream.toml"]


def _load(text: str, secrets: Path) -> Settings:
    for secret in set(re.findall(r'"(/run/secrets/[^"]+)"', text)):
        (secrets / Path(secret).name).write_text("geheim")
        text = text.replace(secret, str(secrets / Path(secret).name))
    return validated(Settings, tomllib.loads(text), "deskstream.toml")


def test_compose_is_valid_by_the_specifications_schema() -> None:
    schema = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text()))


@pytest.mark.parametrize("manifest", MANIFESTS, ids=_name)
def test_manifests_are_valid_by_kubernetes_own_schemas(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize(
    ("whose", "arguments", "environment"), [pytest.param(*each, id=each[0]) for each in _containers()]
)
def test_every_container_runs_a_command_that_exists_and_knows_no_more_than_it_needs(
    whose: str, arguments: list[str], environment: dict[str, Any]
) -> None:
    command: Any = typer.main.get_command(build())
    words = list(arguments)
    while words and (inner := getattr(command, "commands", {}).get(words[0])):
        command = inner
        words.pop(0)
    assert getattr(command, "invoke_without_command", True), f"{whose}: no command {arguments}"
    options = {name for parameter in command.params for name in parameter.opts}
    assert all(word in options for word in words if word.startswith("--")), whose
    if arguments[0] == "connector":
        assert "DESKSTREAM_DATABASE" not in environment, whose


@pytest.mark.parametrize("kind", ["compose", "kubernetes"])
def test_settings_load_and_every_connector_has_its_container(kind: str, tmp_path: Path) -> None:
    (text,) = [text for whose, text in _settings_files() if whose == kind]
    settings = _load(text, tmp_path)
    run = [arguments for whose, arguments, _ in _containers() if whose.startswith(kind)]
    assert set(configured(settings)) == {arguments[1] for arguments in run if arguments[0] == "connector"}
    assert {arguments[0] for arguments in run} == {"connector", "ticketing", "metrics", "api", "topics", "db"}


@pytest.mark.parametrize("name", OURS)
def test_what_a_compose_service_mounts_is_declared(name: str) -> None:
    service = OURS[name]
    for mount in service.get("volumes", ()):
        assert mount.partition(":")[0] in COMPOSE["volumes"]
    for secret in service.get("secrets", ()):
        assert secret in COMPOSE["secrets"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("manifest", WITH_PODS, ids=_name)
def test_pods_select_themselves_mount_what_they_have_and_may_do_nothing_else(manifest: dict[str, Any]) -> None:
    template = manifest["spec"]["template"]
    if manifest["kind"] == "Deployment":
        assert manifest["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    pod = template["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    claims = {each["metadata"]["name"] for each in MANIFESTS if each["kind"] == "PersistentVolumeClaim"}
    for volume in pod["volumes"]:
        if claim := volume.get("persistentVolumeClaim"):
            assert claim["claimName"] in claims
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert container["securityContext"]["readOnlyRootFilesystem"]
        ports = {port["name"] for port in container.get("ports", ())}
        for probe in ("livenessProbe", "readinessProbe"):
            assert probe not in container or container[probe]["httpGet"]["port"] in ports


def test_services_lead_to_ports_that_exist() -> None:
    pods = [manifest["spec"]["template"] for manifest in WITH_PODS]
    for service in (manifest for manifest in MANIFESTS if manifest["kind"] == "Service"):
        (pod,) = [p for p in pods if service["spec"]["selector"].items() <= p["metadata"]["labels"].items()]
        ports = {port["name"] for container in pod["spec"]["containers"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_the_image_holds_every_package_and_what_was_tested() -> None:
    text = (CONTAINER / "Containerfile").read_text()
    contract = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())
    packages = {each.rstrip("*") for each in contract["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE)) == packages
    tested, shipped = (
        set(re.findall(r"^([a-z0-9-]+(?:\[[a-z,]+\])?==\S+)", path.read_text(), re.MULTILINE))
        for path in (DEPLOY.parent / "requirements.lock", CONTAINER / "requirements.lock")
    )
    assert shipped <= tested
    names = {pin.partition("==")[0].partition("[")[0] for pin in shipped}
    wanted = {re.split(r"[\[>=; ]", each)[0] for each in contract["project"]["dependencies"]}
    assert wanted <= names
