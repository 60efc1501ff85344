"""Stands in for the site: a server on a port with a process of its own beneath it, as a web server has."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
import time


def main(host: str, port: int) -> None:
    beneath = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    server = http.server.HTTPServer((host, port), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda number, frame: beneath.terminate())
    parent = os.getppid()
    while beneath.poll() is None:
        if os.getppid() != parent:
            beneath.terminate()
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--host") + 1], int(sys.argv[sys.argv.index("--port") + 1]))
