"""wrk, a load generator written in C: what it sends is in files, one body a line, and each is sent once or for ever."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SCRIPT = """
local bodies, at, per, once, headers = {}, 0, 1, true, {}
function init(args)
  per, once = tonumber(args[2]), args[3] == "once"
  headers = {["Content-Type"] = args[4], ["Authorization"] = "Bearer " .. args[5]}
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
end
function request()
  if at + per > #bodies then
    if once then wrk.thread:stop() end
    at = 0
  end
  local body = table.concat(bodies, "\\n", at + 1, at + per)
  at = at + per
  return wrk.format("POST", nil, headers, body)
end
function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration, bad,
    latency:percentile(50), latency:percentile(99)))
end
"""


class Load(NamedTuple):
    """What is sent: where to, bodies in a file with one a line, so many lines in a request, each once or for ever."""

    url: str
    bodies: Path
    token: str
    lines: int = 1
    once: bool = False
    media_type: str = "application/json"


class Told(NamedTuple):
    """What came of it: answers a second, and milliseconds that half and 99 % of them took at most."""

    rate: float
    p50: float
    p99: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f} a second, p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms"


def require_wrk() -> None:
    """Say what is missing."""
    if shutil.which("wrk") is None:
        raise SystemExit("NOT MEASURED: `wrk` is missing, install the system package wrk")


def run(directory: Path, loads: Sequence[Load], *, connections: int = 64, seconds: int = 3) -> Told:
    """Send all loads at the same time, each by a wrk of its own; return the sum of their rates, and the worst waits."""
    script = directory / "load.lua"
    script.write_text(SCRIPT, encoding="utf-8")
    share = str(max(1, connections // len(loads)))
    running = [
        subprocess.Popen(
            ["wrk", "-t1", "-c", share, "-d", f"{seconds}s", "--timeout", "20s", "-s", str(script), load.url, "--",
             str(load.bodies), str(load.lines), "once" if load.once else "ever", load.media_type, load.token],
            stdout=subprocess.PIPE,
        )
        for load in loads
    ]  # fmt: skip
    told = [_told(process.communicate()[0].decode()) for process in running]
    return Told(sum(t.rate for t in told), max(t.p50 for t in told), max(t.p99 for t in told))


def _told(output: str) -> Told:
    result = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
    if result is None:
        raise SystemExit(f"wrk failed:\n{output}")
    requests, micros, bad, p50, p99 = map(int, result.split()[1:])
    if bad or not requests:
        raise SystemExit(f"{bad} of {requests} requests failed:\n{output}")
    return Told(requests / (micros / 1e6), p50 / 1000, p99 / 1000)
