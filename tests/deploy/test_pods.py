"""The program keeps to its manifest: pods start, are replaced, hang and are ended, as a kubelet would have it."""

import os
import threading
import time
import urllib.error
import urllib.request

import pytest

import kubelet
import manifests
from clients import LAG, Clients, Service, call

PROGRAM = os.environ["DEPLOY_PROGRAM"]
BOTH = pytest.mark.parametrize("name", ["kubernetes.yaml", "kubernetes-grpc.yaml"])


@pytest.fixture
def run(tmp_path):
    """Starts pods by a manifest, perhaps with some of it changed; none is left behind."""
    pods = []

    def start(name="kubernetes.yaml", change=lambda spec: None, **environment):
        spec = manifests.pod_of(name)
        change(spec)
        pods.append(kubelet.Pod(spec, PROGRAM, tmp_path, **environment))
        return pods[-1]

    yield start
    for pod in pods:
        pod.close()


def order(pod, path, token):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{pod.ip}:9000/orders/{path}", b"{}", headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@BOTH
def test_a_rollout_loses_no_call(run, name):
    old = run(name, DATABASE_LATE="3")
    old.wait_until("ready", lambda: old.ready)
    # The startup probe has held the others back, and nobody was told to come before all ran.
    assert old.ready_at - old.born >= 3 and not old.faulted, old.account()
    assert len(old.made("startup", success=False)) >= 2 and len(old.made("startup", success=True)) == 1, old.account()
    first = min(at for kind in ("readiness", "liveness") for at, _ in old.made(kind))
    assert first > old.made("startup")[-1][0], old.account()
    assert (order(old, "restart/mailer", "another-token-of-16-bytes"), order(old, "restart/mailer", kubelet.TOKEN)) == (401, 200)

    service = Service(old)
    clients = Clients(service)
    new = run(name)
    service.pods.append(new)
    new.wait_until("ready", lambda: new.ready)
    long = []
    drain = int(manifests.environment(old.container)["DRAIN_DELAY"])
    waiter = threading.Thread(target=lambda: long.append(call(old, f"/slow/{drain + 4}")[0]))
    waiter.start()
    # It is under way: what comes after it on the same path has been answered.
    assert call(old, "/slow/1")[0] == 200

    old.delete()
    # Readiness says so at once, while calls are answered and it is alive: as long as the delay lasts.
    asked = time.monotonic()
    while kubelet.ask(old.ip, old.probes["readiness"])[0]:
        assert time.monotonic() - asked < 2, old.account()
    while time.monotonic() < old.deleted_at + drain - 1.5:
        assert call(old, "/slow/1")[0] == 200, old.account()
        assert not kubelet.ask(old.ip, old.probes["readiness"])[0], old.account()
        assert kubelet.ask(old.ip, old.probes["liveness"])[0], old.account()

    assert old.wait_until_over() == 0 and not old.killed, old.account()
    assert drain <= old.over_at - old.deleted_at < old.grace, old.account()
    waiter.join(10)
    assert long == [200], f"a call that was under way before the TERM: {long}\n{old.account()}"
    # The kubelet itself went on asking, of readiness alone.
    deleted = old.deleted_at - old.born
    after = {kind: [at for at, _ in old.made(kind) if at > deleted + 0.2] for kind in old.probes}
    assert after["readiness"] and not after["liveness"] and not after["startup"], old.account()

    calls = clients.end()
    lost = [(made.outcome, made.began - old.deleted_at, made.pod is old) for made in calls if made.outcome != 200]
    assert not lost, f"of {len(calls)} calls these were lost (outcome, seconds after TERM, of the old pod): {lost}\n{old.account()}"
    late = [made for made in calls if made.pod is old and made.began > old.deleted_at]
    assert len(late) > 5 and max(made.began for made in late) > old.deleted_at + LAG - 1, "nobody called it late"
    assert any(made.pod is new for made in calls)
    new.delete()
    assert new.wait_until_over() == 0, new.account()


def test_without_a_drain_delay_a_rollout_loses_calls(run):
    """So the test before can fail, and the delay is there for a reason."""
    old, new = run(DRAIN_DELAY="0"), run()
    for pod in (old, new):
        pod.wait_until("ready", lambda pod=pod: pod.ready)
    clients = Clients(Service(old, new))
    old.delete()
    assert old.wait_until_over() == 0, old.account()
    # Nodes that do not know it yet call it.
    time.sleep(LAG)
    assert [made for made in clients.end() if made.outcome != 200 and made.pod is old]


def test_what_hangs_is_cut_off_and_named_before_the_kill(run):
    pod = run(MAILER_TAKES="3600")
    pod.wait_until("ready", lambda: pod.ready)
    pod.delete()
    assert pod.wait_until_over() == 3 and not pod.killed, pod.account()
    whole = int(manifests.environment(pod.container)["MAX_SHUTDOWN"])
    assert whole * 0.8 < pod.over_at - pod.deleted_at < pod.grace, pod.account()
    guide = manifests.shown("kubectl logs --previous POD | tail -n 3")
    assert manifests.shape(pod.log.read_text().splitlines()[-3:]) == manifests.shape(guide), pod.account()


def test_blocked_workers_are_no_reason_for_a_restart(run):
    pod = run()
    pod.wait_until("ready", lambda: pod.ready)
    # More than there are workers, each on a connection of its own.
    for _ in range(4 * os.cpu_count()):
        threading.Thread(target=call, args=(pod, "/block/20"), daemon=True).start()

    def served():
        return call(pod, "/slow/0", timeout=0.3)[0] == 200

    pod.wait_until("blocked", lambda: not served())
    before = {kind: len(pod.made(kind)) for kind in ("liveness", "readiness")}
    pod.wait_until("asked often", lambda: len(pod.made("liveness")) >= before["liveness"] + 2)
    assert not served(), "they were to be blocked all the while"
    for kind, known in before.items():
        answers = pod.made(kind)[known:]
        assert len(answers) >= 2 and all(what.startswith("ok") for _, what in answers), pod.account()
    assert not pod.faulted and pod.ready, pod.account()
    pod.delete()
    # How long the handlers still block decides whether they are cut off.
    assert pod.wait_until_over() in (0, 3) and not pod.killed, pod.account()


def test_a_set_up_that_takes_longer_than_its_probe_allows_is_ended_in_order(run):
    def impatient(spec):
        manifests.container_of(spec)["startupProbe"]["failureThreshold"] = 3

    pod = run(change=impatient, DATABASE_LATE="3600")
    # Told during set-up, it ends at once, and has not failed.
    assert pod.wait_until_over() == 0, pod.account()
    assert pod.faulted == "startup" and not pod.killed and not pod.ready_at, pod.account()
    assert 1.5 < pod.over_at - pod.born < 20, pod.account()


def test_a_grace_that_is_too_short_ends_in_a_kill(run):
    def hurried(spec):
        spec["terminationGracePeriodSeconds"] = 2

    pod = run(change=hurried, MAILER_TAKES="3600")
    pod.wait_until("ready", lambda: pod.ready)
    pod.delete()
    assert pod.wait_until_over() == -9 and pod.killed, pod.account()
