"""Hand-overs and reloads of units: `.ci/systemd` plays these under a real systemd, as docs/upgrades.md and docs/reloading.md say."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from free_ports import free_ports

PATIENCE = 20  # seconds; what comes at all comes within it
WATCHDOG = 2  # seconds

WEB = {"id": "web", "http": "systemd:public"}
WORKER = {"id": "worker", "critical": True}
STUCK = {**WORKER, "run": "block:60000"}
ONCE = {"id": "once", "after_handover": True, "resources": [{"name": "lock"}]}
BROKEN = {"id": "broken", "setup": "error"}


class Shop:
    """A unit that hands over, whose socket is systemd's."""

    def __init__(self, systemd, folder, program, operator, unit, socket_unit, drop_in):
        self.systemd, self.folder, self.path = systemd, folder, folder / "shop.sock"
        self.play(WEB, WORKER, ONCE)
        systemd.add("shop.service", unit, drop_in, "\n".join([
            "[Service]", "DynamicUser=no", f"StandardOutput=append:{folder}/shop.out", f"StandardError=append:{folder}/shop.out",
            "LimitCORE=0", "ExecStart=", f"ExecStart={program} {folder}/shop.json", f"WatchdogSec={WATCHDOG}", "RestartSec=500ms",
            "ExecReload=", f"ExecReload={operator} --at unix:{folder}/shop.ops handover", "[Unit]", "Requires=shop.socket", ""]))
        systemd.add("shop.socket", socket_unit, f"[Socket]\nListenStream=\nListenStream={self.path}\n")

    def play(self, *services):
        """What the next process does."""
        scenario = {"handover": True, "operations": f"unix:{self.folder}/shop.ops", "services": services}
        (self.folder / "shop.json").write_text(json.dumps(scenario))

    def status(self):
        return json.loads(get(self.folder / "shop.ops", "/status", {"accept": "application/json"}))

    def show(self):
        return self.systemd.show("shop.service")

    def fell_to(self, old, generation):
        """Waits until another process is the main one: which."""
        another = re.compile(f"^(?!({old}|0)$)")
        seen = self.systemd.until("shop.service", MainPID=another, ActiveState="active", StatusText=re.compile("^Running"))
        new, handover = int(seen["MainPID"]), self.status()["handover"]
        self.systemd.check(
            (handover["generation"], handover["predecessor"], handover["in_charge"]) == (generation, old, True),
            f"{new} is the main process, after {old}, and the one that answers says {handover}")
        self.systemd.check(alive(new), f"the main process {new} is not there")
        until(self.systemd, lambda: not alive(old), f"{old} goes on though {new} is in charge")
        return new


def until(systemd, holds, why):
    began = time.monotonic()
    while not holds():
        systemd.check(time.monotonic() - began < PATIENCE, why)
        time.sleep(0.02)


def reloads(systemd, folder, program, unit, drop_in):
    """A unit that takes new settings over."""
    (folder / "settings.json").write_text(json.dumps({"services": [{"id": "mailer", "reloadable": True}]}))
    systemd.add("settings.service", unit, drop_in, "\n".join([
        "[Service]", "DynamicUser=no", f"StandardOutput=append:{folder}/settings.out",
        f"StandardError=append:{folder}/settings.out", "ExecStart=", f"ExecStart={program} {folder}/settings.json", ""]))


def play_reloads(systemd, folder, say):
    say("systemctl reload of a unit that has settings: they are taken over, by the same process")
    systemd.ctl("start", "settings")
    before = systemd.until("settings", ActiveState="active", StatusText="Running, 1 of 1 up")
    reloaded = systemd.ctl("reload", "settings")
    systemd.check(reloaded.returncode == 0, f"systemctl reload: {reloaded.stderr}")
    done = lambda: [event["result"] for event in events(folder / "settings.out", "reload_finished")]
    until(systemd, lambda: done() == ["done"], "the settings were not taken over")
    same = {name: before[name] for name in ("MainPID", "NRestarts", "ActiveState", "SubState")}
    systemd.until("settings", **same, Result="success")
    systemd.ctl("stop", "settings")
    systemd.until("settings", ActiveState="inactive", Result="success")


def play(shop, say):
    systemd = shop.systemd
    systemd.ctl("start", "shop.socket", "shop.service")
    main = int(systemd.until("shop.service", ActiveState="active", StatusText="Running, 3 of 3 up")["MainPID"])
    watch, clients = Watch(shop), Clients(shop.path)

    say("three hand-overs by SIGUSR2 and one by systemctl reload: always active, the main process is the one in charge, nobody is refused")
    for generation in (2, 3, 4):
        sent = systemd.ctl("kill", "--kill-who=main", "--signal=USR2", "shop.service")
        systemd.check(sent.returncode == 0, sent.stderr)
        main = shop.fell_to(main, generation)
    reloaded = systemd.ctl("reload", "shop.service")
    systemd.check(reloaded.returncode == 0, f"systemctl reload: {reloaded.stderr}")
    main = shop.fell_to(main, 5)
    time.sleep(2.5 * WATCHDOG)
    systemd.check(int(shop.show()["MainPID"]) == main, "the main process is another after the watchdog's time")

    say("a successor that fails: systemctl reload fails, and the same process goes on")
    shop.play(WEB, BROKEN)
    reloaded = systemd.ctl("reload", "shop.service")
    systemd.check(reloaded.returncode != 0, "systemctl reload succeeded, without a successor")
    systemd.until("shop.service", ActiveState="active", SubState="running", MainPID=str(main), NRestarts="0", Result="success")
    handover = shop.status()["handover"]
    systemd.check("broken" in handover.get("failure", ""), f"the status does not say who failed: {handover}")

    say("a successor that is killed while the old process gives way: the old one serves on, and is the main process again")
    shop.play(WEB, WORKER, ONCE)
    with connect(shop.path).sock as held:
        # The old process waits for this call.
        held.sendall(b"GET /slow/4000 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        systemd.ctl("kill", "--kill-who=main", "--signal=USR2", "shop.service")
        another = re.compile(f"^(?!({main}|0)$)")
        successor = int(systemd.until("shop.service", MainPID=another, StatusText=re.compile("^Running"))["MainPID"])
        os.kill(successor, signal.SIGKILL)
        systemd.until("shop.service", MainPID=str(main), ActiveState="active", SubState="running", NRestarts="0")
        failure = shop.status()["handover"].get("failure", "")
        systemd.check("SIGKILL" in failure, f"the status does not say what became of the successor: {failure}")
    time.sleep(2.5 * WATCHDOG)
    systemd.check(int(shop.show()["MainPID"]) == main, "the main process is another after the watchdog's time")
    watch.finish()
    # Whoever had a call in flight there.
    clients.finish(systemd, crashes=1)

    say("a successor that is stuck once it is in charge: killed by the watchdog, and started again")
    shop.play(WEB, STUCK)
    systemd.ctl("kill", "--kill-who=main", "--signal=USR2", "shop.service")
    systemd.until("shop.service", MainPID=re.compile(f"^(?!({main}|0)$)"))
    shop.play(WEB, WORKER, ONCE)
    systemd.until("shop.service", Result="watchdog")
    systemd.until("shop.service", ActiveState="active", NRestarts="1", StatusText="Running, 3 of 3 up")
    handover = shop.status()["handover"]
    systemd.check(handover["generation"] == 1 and get(shop.path, "/") == b"ok", f"it did not begin anew: {handover}")

    say("systemctl stop while a successor comes up: nobody is left")
    shop.play({**WEB, "setup": "slow:60000"})
    main = int(shop.show()["MainPID"])
    os.kill(main, signal.SIGUSR2)
    until(systemd, lambda: (shop.status()["handover"].get("successor") or {}).get("pid"), "no successor was started")
    systemd.ctl("stop", "shop.socket", "shop.service")
    systemd.until("shop.service", ActiveState="inactive", Result="success", ExecMainStatus="0")
    left = [pid for pid in processes() if str(shop.folder / "shop.json") in command_line(pid)]
    systemd.check(not left, f"{left} are left of the unit")


class Kept:
    """A unit whose sockets systemd keeps."""

    def __init__(self, systemd, folder, program, operator, unit, *drop_ins):
        self.systemd, self.folder, self.operator = systemd, folder, operator
        self.tcp = ("127.0.0.1", *free_ports(1))
        self.file = folder / "kept.sock"
        self.play("tcp", "file")
        systemd.add("kept.service", unit, *drop_ins, "\n".join([
            "[Service]", "DynamicUser=no", f"StandardOutput=append:{folder}/kept.out", f"StandardError=append:{folder}/kept.out",
            "LimitCORE=0", "ExecStart=", f"ExecStart={program} {folder}/kept.json", ""]))

    def play(self, *which):
        at = {"tcp": "{}:{}".format(*self.tcp), "file": f"unix:{self.file}"}
        services = [{"id": "worker"}] + [{"id": name, "http": at[name]} for name in which]
        scenario = {"handover": True, "operations": f"unix:{self.folder}/kept.ops", "services": services}
        (self.folder / "kept.json").write_text(json.dumps(scenario))

    def until(self, stored, **wanted):
        """Waits until it runs, and systemd keeps so many sockets: its main process."""
        wanted = {"ActiveState": "active", "StatusText": re.compile("^Running"), "NFileDescriptorStore": str(stored), **wanted}
        return int(self.systemd.until("kept", **wanted)["MainPID"])

    def order(self, *order):
        done = subprocess.run([self.operator, "--at", f"unix:{self.folder}/kept.ops", *order], capture_output=True, text=True)
        self.systemd.check(done.returncode == 0, f"majordomo {' '.join(order)}: {done.stderr}")

    def hand_over(self, main, stored):
        os.kill(main, signal.SIGUSR2)
        new = self.until(stored, MainPID=re.compile(f"^(?!({main}|0)$)"))
        until(self.systemd, lambda: not alive(main), f"{main} goes on though {new} is in charge")
        return new

    def crash(self, main, restarts, stored):
        """It is killed while clients wait for it: they are answered by the next."""
        os.kill(main, signal.SIGSTOP)
        # None of its threads accepts any more.
        until(self.systemd, lambda: states(main) == {"T"}, f"{main} does not stand still")
        waiting = [connect(at) for at in (self.tcp, self.file) for _ in range(3)]
        os.kill(main, signal.SIGKILL)
        answers = [ask(connection, "/") for connection in waiting]
        self.systemd.check(answers == [b"ok"] * len(waiting), f"those who waited were answered {answers}")
        return self.until(stored, NRestarts=str(restarts))


def play_crashes(kept, say):
    systemd = kept.systemd
    say("crashes of a unit whose sockets systemd keeps: nobody is refused, and who waits is answered")
    systemd.ctl("start", "kept")
    main = kept.until(3)
    clients = Clients(kept.tcp, kept.file)
    main = kept.crash(main, 1, 3)
    main = kept.crash(kept.hand_over(main, 3), 2, 3)
    clients.finish(systemd, crashes=2)

    say("a server that is stopped is kept no longer; one that is started again is, and so is what a successor still serves at")
    kept.order("stop", "tcp")
    kept.until(2)
    try:
        connect(kept.tcp).close()
        systemd.fail("who connects to a server that was stopped is not refused")
    except ConnectionRefusedError:
        pass
    kept.order("restart", "tcp")
    main = kept.crash(kept.until(3), 3, 3)
    kept.play("tcp")
    kept.hand_over(main, 2)

    say("systemctl restart after a hand-over: who has a request open is answered, who connects over TCP waits; systemctl stop: nothing is kept")
    with connect(kept.tcp).sock as held:
        held.sendall(b"GET /slow/1000 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        clients = Clients(kept.tcp)
        # Whoever connected before those has been accepted, too.
        until(systemd, lambda: clients.answered, "nobody was answered")
        systemd.ctl("restart", "kept")
        kept.until(2)
        clients.finish(systemd)
        answer = held.recv(1024)
        systemd.check(answer.startswith(b"HTTP/1.1 200"), f"who had a request open was answered {answer[:100]}")
    systemd.ctl("stop", "kept")
    systemd.until("kept", ActiveState="inactive", Result="success", NFileDescriptorStore="0")

    say("majordomo shutdown: the unit is stopped, not failed, and not started again")
    for was_handed_over in (False, True):
        systemd.ctl("reset-failed", "kept")
        systemd.ctl("start", "kept")
        main = kept.until(2)
        if was_handed_over:
            kept.hand_over(main, 2)
        kept.order("shutdown")
        systemd.until("kept", ActiveState="inactive", SubState="dead", Result="success", NRestarts="0")


class Watch:
    """Looks at a unit again and again: it is to be active all the time."""

    def __init__(self, shop):
        self.shop, self.seen, self.over = shop, set(), threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.over.is_set():
            shown = self.shop.show()
            self.seen.add(tuple(shown.get(name) for name in ("ActiveState", "SubState", "NRestarts", "Result")))

    def finish(self):
        self.over.set()
        self.thread.join()
        fine = {("active", "running", "0", "success"), ("reloading", "reload", "0", "success")}
        self.shop.systemd.check(self.seen <= fine, f"the unit was to be active all the time, and was {self.seen}")


class Clients:
    """Connect again and again, each time anew: nobody is to be refused."""

    def __init__(self, *paths):
        self.over, self.answered, self.failed, self.refused = threading.Event(), 0, [], []
        self.threads = [threading.Thread(target=self.ask, args=(path,), daemon=True) for path in paths for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def ask(self, at):
        while not self.over.is_set():
            try:
                connection = connect(at)
            except OSError as error:
                self.refused.append(repr(error))
                continue
            try:
                answer = ask(connection, "/")
                self.answered += 1
                if answer != b"ok":
                    self.failed.append(repr(answer))
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            time.sleep(0.002)

    def finish(self, systemd, crashes=0):
        """A crash costs each of them the call that it has in flight."""
        until(systemd, lambda: self.answered > 100, "hardly a client was answered")
        self.over.set()
        for thread in self.threads:
            thread.join()
        systemd.check(not self.refused, f"beside {self.answered} clients {len(self.refused)} were refused: {self.refused[:3]}")
        most = crashes * len(self.threads)
        systemd.check(len(self.failed) <= most, f"of {self.answered} clients {len(self.failed)} failed: {self.failed[:3]}")


def connect(at):
    """To a Unix socket's path, or to a TCP address."""
    connection = http.client.HTTPConnection("localhost")
    if isinstance(at, pathlib.Path):
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(PATIENCE)
        connection.sock.connect(str(at))
    else:
        connection.sock = socket.create_connection(at, timeout=PATIENCE)
    return connection


def get(at, target, headers={}):
    return ask(connect(at), target, headers)


def ask(connection, target, headers={}):
    """What is answered."""
    try:
        connection.request("GET", target, headers=headers)
        return connection.getresponse().read()
    finally:
        connection.close()


def events(path, name):
    lines = [line for line in path.read_text().splitlines() if line.startswith("{")]
    return [event for event in map(json.loads, lines) if event.get("event") == name]


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def states(pid):
    """Of its threads, a letter each (proc(5)): none where it is gone."""
    found = set()
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            found.add(stat.read_text().rsplit(")", 1)[1].split()[0])
        except OSError:
            pass
    return found


def alive(pid):
    """Whether it runs: not one that has ended, and nobody has asked how."""
    return bool(states(pid) - {"Z", "X"})
