"""Runs commands every so often, and tells how they ended as Cabourotte's API does (GET /result/NAME on port 9013)."""

import datetime
import http.server
import json
import subprocess
import sys
import threading
import time

results = {}


def succeeds(command: str, timeout: float) -> bool:
    try:
        return subprocess.run(["sh", "-c", command], capture_output=True, timeout=timeout).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def watch(name: str, command: str, interval: float, timeout: float) -> None:
    while True:
        began = time.monotonic()
        success = succeeds(command, timeout)
        took = time.monotonic() - began
        results[name] = {
            "name": name,
            "summary": command,
            "success": success,
            "healthcheck-timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "message": "success" if success else "failure",
            "duration": round(took * 1000),
            "source": "configuration",
        }
        time.sleep(max(0.0, interval - took))


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        result = results.get(self.path.removeprefix("/result/"))
        body = json.dumps(result if result else {"message": "not found"}).encode()
        self.send_response(200 if result else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Nothing: it is asked many times a second."""


with open(sys.argv[1], encoding="utf-8") as file:
    for check in json.load(file):
        threading.Thread(target=watch, kwargs=check, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", 9013), Api).serve_forever()
