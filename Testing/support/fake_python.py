"""A stand-in for the interpreter of the background process, which does one thing and does it badly.

The desktop side starts it as it would start Python, and gives it a job. What
comes out of it, and how it ends, is the fault that a test is about.
"""

from __future__ import annotations

import stat
from pathlib import Path

from .small_result import PYTHON

_HEAD = """#!{python}
import json, os, shutil, signal, sys, threading, time
job = json.loads(sys.stdin.readline().removeprefix("job "))
asked = []

def say(kind, **content):
    print(json.dumps({{"type": kind}} | content), flush=True)

def listen():
    for line in sys.stdin:
        asked.append(line.strip())
    asked.append("cancel")

def progress(done, total=8, phase="perturbing"):
    say("progress", phase=phase, done=done, total=total, perturbed=done, elapsed_s=0.1 * done,
        left_s=0.1 * (total - done), device="cpu")

threading.Thread(target=listen, daemon=True).start()
say("started", pid=os.getpid(), version="0")
say("phase", phase="registering")
"""

_GIVE = """
os.makedirs(os.path.dirname(job["output"]), exist_ok=True)
shutil.copytree({bundle!r}, job["output"])
say("finished", output=job["output"], complete="stop" not in asked)
"""

FAULTS = {
    "killed": "progress(1)\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "crash": "print('Traceback: the sky fell', file=sys.stderr)\nos._exit(11)\n",
    "garbage": "sys.stdout.buffer.write(b'\\xff\\x00{\"type\": 3}\\n[]\\nnull\\n{{{\\n' * 200)\n"
    "sys.stdout.flush()\nos._exit(0)\n",
    "hung": "progress(1)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)\n",
    "disk full": "say('failed', problem='The disk is too full.', remedy='Free some space.', "
    "exit_code=4)\nsys.exit(4)\n",
    "no torch": "say('failed', problem='PyTorch is missing.', remedy='Install it.', exit_code=7)\n"
    "sys.exit(7)\n",
    "half a result": "os.makedirs(job['output'])\n"
    "open(os.path.join(job['output'], 'result.json'), 'w').write('{')\n"
    "say('finished', output=job['output'], complete=True)\n",
}

_FINISH = "for n in range(1, 9):\n    progress(n)\n    time.sleep({pause})\n"

_UNTIL_ASKED = """
n = 0
while not asked:
    n = min(n + 1, 7)
    progress(n)
    say("heartbeat")
    time.sleep(0.02)
if "cancel" in asked:
    say("cancelled")
    sys.exit(130)
"""


def failing(folder: Path, fault: str) -> Path:
    """Write an interpreter with a fault, one of `FAULTS`, and return its path."""
    return _write(folder, FAULTS[fault])


def finishing(folder: Path, bundle: Path, pause_s: float = 0.02) -> Path:
    """Write an interpreter that gives a copy of a bundle as its result."""
    return _write(folder, _FINISH.format(pause=pause_s) + _GIVE.format(bundle=str(bundle)))


def waiting(folder: Path, bundle: Path) -> Path:
    """Write an interpreter that goes on until it is asked to stop (then gives the bundle)."""
    return _write(folder, _UNTIL_ASKED + _GIVE.format(bundle=str(bundle)))


def _write(folder: Path, body: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "python"
    path.write_text(_HEAD.format(python=PYTHON) + body, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
