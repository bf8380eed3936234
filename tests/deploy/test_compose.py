"""The container of compose.yaml becomes healthy by its own health check, and ends in its time."""

import os
import subprocess
import time

import yaml

import kubelet
import manifests


def test_the_health_check_tells_what_is_ready(tmp_path):
    [service] = yaml.safe_load((manifests.DEPLOY / "compose.yaml").read_text())["services"].values()
    ip, check = kubelet.pod_ip(), service["healthcheck"]
    token = tmp_path / "token"
    token.write_text(kubelet.TOKEN)
    environment = {
        name: value.replace("0.0.0.0", ip).replace("127.0.0.1", ip).replace("/run/secrets/operations-token", str(token))
        for name, value in service["environment"].items()
    }
    form, program, *args = check["test"]
    assert (form, program) == ("CMD", "majordomo")

    def healthy():
        command = [os.environ["DEPLOY_MAJORDOMO"], *args]
        return subprocess.run(command, env=environment, timeout=manifests.seconds(check["timeout"]), capture_output=True)

    process = subprocess.Popen([os.environ["DEPLOY_PROGRAM"]], env=environment | {"DATABASE_LATE": "2"})
    try:
        began, seen = time.monotonic(), []
        while not seen or seen[-1].returncode != 0:
            assert time.monotonic() - began < manifests.seconds(check["start_period"]), seen
            seen.append(healthy())
            time.sleep(0.1)
        assert any(asked.returncode == 1 and b"database" in asked.stdout for asked in seen), seen
        process.terminate()
        assert process.wait(manifests.seconds(service["stop_grace_period"])) == 0
        assert healthy().returncode == 2
    finally:
        process.kill()
        process.wait()
