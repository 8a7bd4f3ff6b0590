"""What docker-compose.yml promises, read from the file itself: no container engine is asked."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


def compose() -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return document


SERVICES: dict[str, dict[str, Any]] = compose()["services"]
LASTING = sorted(set(SERVICES) - {"init"})
OURS = ["catcher", "init", "intake", "notifier", "routing"]


@pytest.mark.parametrize("name", LASTING)
def test_what_runs_on_has_a_health_check_and_comes_back_by_itself(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_open_on_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned_to_a_version(name: str) -> None:
    assert re.search(r":\d+\.\d+(\.\d+)?$", SERVICES[name]["image"])


@pytest.mark.parametrize("line", (ROOT / "Dockerfile").read_text().splitlines())
def test_the_image_starts_from_a_pinned_one(line: str) -> None:
    assert not line.startswith("FROM ") or re.match(r"FROM python:3\.\d+-slim-bookworm( AS build)?$", line)


@pytest.mark.parametrize("name", OURS)
def test_ours_run_without_rights_they_do_not_need(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert "USER 10001" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_secrets_come_from_outside(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"SECRET|PASSWORD|TOKEN|KEY", variable):
            assert str(value).startswith("${"), variable
        assert not re.search(r"://[^/\s]*:[^/\s]*@", str(value)), variable


def test_it_refuses_to_start_without_a_secret_and_says_what_to_do() -> None:
    assert SERVICES["intake"]["environment"]["HELPDESK_SECRET"].startswith("${HELPDESK_SECRET:?copy .env.example")


def test_the_example_of_the_settings_holds_no_secret() -> None:
    assert re.search(r"^HELPDESK_SECRET=$", (ROOT / ".env.example").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ["intake", "notifier", "routing"])
def test_services_wait_for_servers_that_answer_and_for_the_set_up(name: str) -> None:
    assert SERVICES[name]["command"] == ["run", name]
    conditions = {other: wait["condition"] for other, wait in SERVICES[name]["depends_on"].items()}
    assert conditions == {"init": "service_completed_successfully", "kafka": "service_healthy", "mongo": "service_healthy"}


def test_what_must_survive_a_restart_is_on_a_volume() -> None:
    mounted = {mount.split(":")[0] for name in ("kafka", "mongo", "catcher") for mount in SERVICES[name]["volumes"]}
    assert mounted == set(compose()["volumes"])


def test_every_service_asks_the_port_it_serves_for_its_health() -> None:
    asked = {name: SERVICES[name]["environment"]["HELPDESK_HEALTH_PORT"] for name in OURS if name != "init"}
    served = {name: int(SERVICES[name]["ports"][0].split(":")[1]) for name in asked}
    assert asked == served
