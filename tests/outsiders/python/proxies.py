"""Proxies of other make in front of servers, with a configuration of their own: loopback only, at free ports.

Beside the proxy a server is told from its successor by `/pid`.
"""

import contextlib
import shutil
import socket
import subprocess
import time

from free_ports import free_ports
from server import SOON

HAPROXY = """
global
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    timeout check 5s
    timeout client 20s
    timeout server 20s
    retries 3
    option redispatch 1
frontend all
    bind 127.0.0.1:{port}
    default_backend web
backend web
    balance roundrobin
    http-reuse safe
    option httpchk GET /health
    default-server inter 100ms fall 1 rise 1
{servers}
"""

# It looks at no health: a request that could not be sent goes to the next server.
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream web {{
{servers}
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://web;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream error timeout http_503;
        }}
    }}
}}
"""


def _commands(folder, config):
    """The configuration, a server's line in it, and the command."""
    return {
        "haproxy": (HAPROXY, "    server at{port} 127.0.0.1:{port} check", ["haproxy", "-db", "-f", config]),
        "nginx": (
            NGINX,
            "        server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;",
            ["nginx", "-e", "stderr", "-p", str(folder), "-c", config],
        ),
    }


class Proxy:
    def __init__(self, kind, folder, ports):
        [self.port] = free_ports(1)
        config = folder / "config"
        text, server, command = _commands(folder, str(config))[kind]
        servers = "\n".join(server.format(port=port) for port in ports)
        config.write_text(text.format(port=self.port, folder=folder, servers=servers))
        command[0] = shutil.which(command[0]) or command[0]
        self.said = open(folder / "said", "w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.said, stderr=self.said)

    def log(self):
        self.said.seek(0)
        return self.said.read()

    def serving(self):
        deadline = time.monotonic() + SOON
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), SOON):
                return self
            time.sleep(0.02)
        raise AssertionError(f"the proxy does not listen:\n{self.log()}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(SOON)
        self.said.close()


@contextlib.contextmanager
def proxy(kind, folder, ports):
    running = Proxy(kind, folder, ports)
    try:
        yield running.serving()
    finally:
        running.stop()
