"""The files are what Kubernetes and Compose take, and their times fit together."""

import copy
import fnmatch
import tomllib

import kubernetes_validate
import pytest
import yaml

import manifests

FILES = ["kubernetes.yaml", "kubernetes-grpc.yaml"]
# What a process takes at most beyond its limit, and what a loaded node may add.
SLACK = 2


@pytest.mark.parametrize("name", FILES)
def test_kubernetes_takes_each_object(name):
    newest = kubernetes_validate.latest_version()
    for document in manifests.documents(name):
        kubernetes_validate.validate(document, newest, strict=True)
    broken = manifests.documents(name)[0]
    broken["spec"]["template"]["spec"]["terminationGraceSeconds"] = 25
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, newest, strict=True)


@pytest.mark.parametrize("name", FILES)
def test_the_grace_is_longer_than_the_whole_shutdown_and_the_delay_fits_into_that(name):
    pod = manifests.pod_of(name)
    settings = manifests.environment(manifests.container_of(pod))
    whole, delay = int(settings["MAX_SHUTDOWN"]), int(settings["DRAIN_DELAY"])
    assert pod["terminationGracePeriodSeconds"] >= whole + SLACK
    # A tenth is the reserve of the resources; calls have the rest.
    assert 0 < delay <= whole / 2


@pytest.mark.parametrize("name", FILES)
def test_a_pod_that_answers_late_is_not_restarted_for_it(name):
    container = manifests.container_of(manifests.pod_of(name))
    liveness, readiness = (manifests.probe(container, kind) for kind in ("liveness", "readiness"))
    assert liveness.failures * liveness.period > 10
    assert readiness.failures * readiness.period < int(manifests.environment(container)["DRAIN_DELAY"])


def test_one_pod_stays_whatever_is_taken_away_on_purpose():
    deployment = manifests.of_kind("kubernetes.yaml", "Deployment")["spec"]
    budget = manifests.of_kind("kubernetes.yaml", "PodDisruptionBudget")["spec"]
    assert 0 < budget["minAvailable"] < deployment["replicas"], "a budget that allows none to go blocks every node's drain"
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_all_that_is_selected_are_the_pods_of_the_deployment():
    labels = manifests.of_kind("kubernetes.yaml", "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        manifests.of_kind("kubernetes.yaml", "Deployment")["spec"]["selector"]["matchLabels"],
        manifests.of_kind("kubernetes.yaml", "Service")["spec"]["selector"],
        manifests.of_kind("kubernetes.yaml", "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifests.of_kind("kubernetes.yaml", "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    assert selectors == [labels] * 4


def test_nobody_else_reaches_the_operations_endpoint():
    service = manifests.of_kind("kubernetes.yaml", "Service")["spec"]
    policy = manifests.of_kind("kubernetes.yaml", "NetworkPolicy")["spec"]
    [rule] = policy["ingress"]
    assert {port["targetPort"] for port in service["ports"]} == {port["port"] for port in rule["ports"]} == {"http", "grpc"}


def test_the_two_deployments_differ_in_their_probes_alone():
    def without_probes(name):
        deployment = copy.deepcopy(manifests.of_kind(name, "Deployment"))
        container = manifests.container_of(deployment["spec"]["template"]["spec"])
        asked = {tuple(container.pop(f"{kind}Probe")) for kind in ("startup", "readiness", "liveness")}
        return deployment, {probe[0] for probe in asked}

    by_http, by_grpc = without_probes("kubernetes.yaml"), without_probes("kubernetes-grpc.yaml")
    assert by_http[0] == by_grpc[0]
    assert (by_http[1], by_grpc[1]) == ({"httpGet"}, {"grpc"})


def test_compose_gives_the_shutdown_its_time_and_keeps_the_signal():
    [service] = yaml.safe_load((manifests.DEPLOY / "compose.yaml").read_text())["services"].values()
    whole = int(service["environment"]["MAX_SHUTDOWN"])
    assert manifests.seconds(service["stop_grace_period"]) >= whole + SLACK
    assert "stop_signal" not in service, "SIGTERM is what begins a shutdown"
    build = service["build"]
    root = (manifests.DEPLOY / build["context"]).resolve()
    assert (root, (root / build["dockerfile"]).is_file()) == (manifests.ROOT, True)


def test_the_image_runs_the_program_itself_and_builds_what_there_is():
    lines = (manifests.DEPLOY / "Dockerfile").read_text().splitlines()
    [entry] = [line for line in lines if line.startswith("ENTRYPOINT")]
    assert entry == 'ENTRYPOINT ["with-operations"]', "a shell would keep the signals to itself"
    assert not [line for line in lines if line.startswith("STOPSIGNAL")]
    [build] = [line.split() for line in lines if "cargo build" in line]
    packages = [build[at + 1] for at, word in enumerate(build) if word == "-p"]
    named = {file.read_text().split('name = "')[1].split('"')[0] for file in manifests.ROOT.glob("*/*/Cargo.toml")}
    assert set(packages) <= named and len(packages) == 2


def test_the_image_is_built_from_all_of_the_workspace_and_nothing_secret():
    ignored = (manifests.DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    kept = [line.removeprefix("!/") for line in ignored if line.startswith("!/")]
    assert ignored[0] == "*", "what is not named stays out"
    manifest = tomllib.loads((manifests.ROOT / "Cargo.toml").read_text())
    for path in [*manifest["workspace"]["members"], "Cargo.lock", "build.rs", "build/guide.rs", "src/lib.rs", "docs/http.md", "README.md"]:
        assert path == "." or any(fnmatch.fnmatch(path.split("/")[0], pattern) for pattern in kept), path
    compose = yaml.safe_load((manifests.DEPLOY / "compose.yaml").read_text())
    [secret] = compose["secrets"].values()
    token = "/" + str((manifests.DEPLOY / secret["file"]).relative_to(manifests.ROOT))
    assert token == ignored[-1] and token in (manifests.ROOT / ".gitignore").read_text().splitlines()


def test_the_guide_shows_what_stands_in_the_files():
    page = (manifests.ROOT / "docs/deploying.md").read_text()
    blocks = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    files = [file.read_text() for file in manifests.DEPLOY.glob("*.yaml")]
    assert len(blocks) >= 4
    for block in blocks:
        assert any(block in file for file in files), f"no file of docs/deploy has\n{block}"
