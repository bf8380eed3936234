"""What docs/deploy says, read as a kubelet reads it: with the defaults that Kubernetes gives what is left out."""

import dataclasses
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs/deploy"


def documents(name):
    """Every object of a file."""
    return [document for document in yaml.safe_load_all((DEPLOY / name).read_text()) if document]


def of_kind(name, kind):
    """The one object of that kind."""
    [found] = [document for document in documents(name) if document["kind"] == kind]
    return found


def pod_of(name):
    """What the pods of the file's Deployment are: the spec, whose one container is the program."""
    return of_kind(name, "Deployment")["spec"]["template"]["spec"]


def container_of(pod):
    [container] = pod["containers"]
    return container


def environment(container):
    """The container's environment. What comes from elsewhere would have to be played, too."""
    return {variable["name"]: variable["value"] for variable in container.get("env", [])}


@dataclasses.dataclass
class Probe:
    """A probe, and how often it is made. Seconds."""

    http: tuple[int, str] | None
    grpc: tuple[int, str] | None
    delay: float
    period: float
    timeout: float
    failures: int
    successes: int


KNOWN = {
    "httpGet", "grpc", "initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold",
}


def probe(container, kind):
    """The container's probe of a kind: startup, readiness, liveness."""
    spec = container[f"{kind}Probe"]
    unknown = spec.keys() - KNOWN
    assert not unknown, f"nobody here plays {unknown} of a {kind} probe"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    http, grpc = spec.get("httpGet"), spec.get("grpc")
    assert not http or http.keys() <= {"port", "path"}, f"nobody here plays all of {http}"
    return Probe(
        http=(ports.get(http["port"], http["port"]), http["path"]) if http else None,
        grpc=(grpc["port"], grpc.get("service", "")) if grpc else None,
        delay=spec.get("initialDelaySeconds", 0),
        period=spec.get("periodSeconds", 10),
        timeout=spec.get("timeoutSeconds", 1),
        failures=spec.get("failureThreshold", 3),
        successes=spec.get("successThreshold", 1),
    )


def seconds(text):
    """A duration of Compose, of the kinds that are used here."""
    return float(text.removesuffix("s"))


def shown(command):
    """What the guide for operators shows of a command: its lines."""
    page = (ROOT / "docs/operations.md").read_text()
    return page.split(f"```text\n$ {command}\n")[1].split("```")[0].splitlines()


def shape(lines):
    """Without what differs from one time to the next: numbers."""
    return [re.sub(r"\d+(\.\d+)?", "N", line) for line in lines]
