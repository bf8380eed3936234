"""Plays a kubelet: runs the program of a pod by its manifest, makes its probes, and ends it.

As the kubelet does today:

- Each probe is made when the container starts, once its delay is over, and then by its own period. So many results in a row as its
  threshold says count.
- Until the startup probe has succeeded neither of the others is made. It is not made again.
- A startup or liveness probe that fails has the container ended, by TERM, grace and KILL.
- From the deletion on only readiness is asked.
- SIGKILL comes a grace period after the deletion.

What a kubelet has and this has not: a network namespace for each pod. So an address of all interfaces is a loopback address of the pod's own,
and a mounted secret is in a folder of the test. Nothing of the security context is played, and what is ended for a probe is not started again.
"""

import http.client
import itertools
import os
import signal
import subprocess
import threading
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import manifests

TOKEN = "a-token-of-the-tests-of-deploys"
_numbers = itertools.count(1)


def pod_ip():
    """An address that no other pod of this machine has."""
    return f"127.{50 + os.getpid() // 250 % 200}.{1 + os.getpid() % 250}.{next(_numbers)}"


def ask(ip, probe):
    """Makes a probe once: whether it succeeds, and the answer in short."""
    return _http(ip, *probe.http, probe.timeout) if probe.http else _grpc(ip, *probe.grpc, probe.timeout)


def _http(ip, port, path, timeout):
    connection = http.client.HTTPConnection(ip, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close", "User-Agent": "kube-probe/played"})
        answer = connection.getresponse()
        return 200 <= answer.status < 400, f"{answer.status} {answer.read().decode().strip()}"
    except OSError as error:
        return False, str(error)
    finally:
        connection.close()


def _grpc(ip, port, service, timeout):
    options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"{ip}:{port}", options) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout).status
            name = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
            return status == health_pb2.HealthCheckResponse.SERVING, name
        except grpc.RpcError as error:
            return False, error.code().name


class Pod:
    """A pod of one container, from its start to its end."""

    def __init__(self, spec, program, folder, **environment):
        self.spec, self.container, self.ip = spec, manifests.container_of(spec), pod_ip()
        self.grace = spec.get("terminationGracePeriodSeconds", 30)
        self.probes = {kind: manifests.probe(self.container, kind) for kind in ("startup", "readiness", "liveness")}
        assert "lifecycle" not in self.container, "nobody here plays hooks"
        # What happened: seconds since the start, who, what.
        self.history, self._lock = [], threading.Lock()
        self.started = self.ready = self.killed = False
        self.ready_at = self.left_at = self.deleted_at = self.over_at = None
        self.faulted = self.exit_code = None
        self._over = threading.Event()
        self.log = folder / f"{self.ip}.log"
        self.born = time.monotonic()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [program, *self.container.get("args", [])], env=self._environment(folder) | environment,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )
        threading.Thread(target=self._wait, daemon=True).start()
        for kind in self.probes:
            threading.Thread(target=self._probe, args=(kind,), daemon=True).start()

    def _environment(self, folder):
        mounts = {}
        for mount in self.container.get("volumeMounts", []):
            [volume] = [volume for volume in self.spec["volumes"] if volume["name"] == mount["name"]]
            assert "secret" in volume, f"nobody here plays {volume}"
            mounted = folder / volume["secret"]["secretName"]
            mounted.mkdir(exist_ok=True)
            (mounted / "token").write_text(f"{TOKEN}\n")
            mounts[mount["mountPath"]] = str(mounted)

        def here(value):
            for inside, outside in mounts.items():
                value = value.replace(inside, outside)
            return value.replace("0.0.0.0", self.ip)

        return {name: here(value) for name, value in manifests.environment(self.container).items()}

    def tell(self, who, what, at=None):
        with self._lock:
            self.history.append(((at or time.monotonic()) - self.born, who, what))

    def account(self):
        """What happened, and what the program said."""
        lines = [f"{at:6.2f} s  {who}: {what}" for at, who, what in self.history]
        return "\n".join([f"pod {self.ip}", *lines, f"exit code {self.exit_code}", self.log.read_text()])

    def made(self, kind, success=None):
        """The probes of a kind that were made: when they began, and the answer."""
        wanted = {None: ("ok", "failed"), True: ("ok",), False: ("failed",)}[success]
        with self._lock:
            return [(at, what) for at, who, what in self.history if who == kind and what.split(":")[0] in wanted]

    def _wait(self):
        code = self.process.wait()
        self.over_at, self.exit_code = time.monotonic(), code
        self.tell("container", f"over, {code}")
        self._leave()
        self._over.set()

    def _leave(self):
        self.ready, self.left_at = False, self.left_at or time.monotonic()

    def _probe(self, kind):
        probe, run, last = self.probes[kind], 0, None
        for tick in itertools.count():
            due = self.born + tick * probe.period
            if self._over.wait(max(0, due - time.monotonic())):
                return
            if self.deleted_at and kind != "readiness":
                return
            if time.monotonic() - self.born < probe.delay or self.started == (kind == "startup"):
                continue
            asked = time.monotonic()
            success, answer = ask(self.ip, probe)
            if self._over.is_set():
                return
            self.tell(kind, f"{'ok' if success else 'failed'}: {answer}", asked)
            run, last = (run + 1 if success == last else 1), success
            if run >= (probe.successes if success else probe.failures):
                self._judge(kind, success)

    def _judge(self, kind, success):
        if kind == "startup" and success:
            self.started = True
        elif kind == "readiness" and success and not self.ready and not self.deleted_at:
            self.ready, self.ready_at = True, time.monotonic()
            self.tell("pod", "ready")
        elif kind == "readiness" and not success and self.ready:
            self._leave()
            self.tell("pod", "not ready")
        elif kind != "readiness" and not success and not self.faulted:
            self.faulted = kind
            self.delete()

    def delete(self):
        """Has the container ended; returns at once."""
        assert self.deleted_at is None
        self.deleted_at = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.tell("kubelet", "TERM")
        # Taken out of the balancing side by side with its TERM.
        self._leave()
        threading.Thread(target=self._kill, daemon=True).start()

    def _kill(self):
        if not self._over.wait(self.grace):
            self.killed = True
            self.tell("kubelet", "KILL")
            self.process.kill()

    def wait_until(self, what, condition, within=60):
        """Waits until something is so."""
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"it did not become {what} in {within} s\n{self.account()}"
            assert not self._over.is_set(), f"it was over before it became {what}\n{self.account()}"
            time.sleep(0.02)

    def wait_until_over(self):
        assert self._over.wait(self.grace + 60), f"it goes on\n{self.account()}"
        return self.exit_code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self._over.wait(10)
