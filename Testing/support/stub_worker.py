"""An interpreter that is none: it runs a few lines of our own in place of the worker.

The client under test is the real one. It starts the "interpreter" with the arguments that it
gives to Python; the lines say what such a worker does (crash, hang, print garbage), at once.
"""

from __future__ import annotations

import shlex
import sys
import textwrap
from pathlib import Path

from TTAUncertaintyLib.processes import HOST

#: What the lines may use: `say`, as a worker's, and `partial`, its half-written result.
_PROLOGUE = """
import json, os, sys, time, threading
from pathlib import Path
job = json.loads(sys.stdin.readline().removeprefix("job "))
partial = Path(f"{job['output']}.HOST-{os.getpid()}.partial")
def say(kind, **content):
    sys.stdout.write(json.dumps({"type": kind} | content) + "\\n")
    sys.stdout.flush()
say("started", pid=os.getpid(), version="stub")
"""

#: Works until it is asked to cancel, as a worker does, with a half-written result beside it.
OBEDIENT = """
partial.mkdir(parents=True)
(partial / "half").write_text("x")
say("phase", phase="reading")
for line in sys.stdin:
    if line.strip() == "cancel":
        break
(partial / "half").unlink()
partial.rmdir()
say("cancelled")
"""

#: Stays, if it was started to, and does what the name of each job's fixed image says.
STAYING = """
import signal
def idle():
    sys.stdout.write(json.dumps({"type": "idle"}) + "\\n")
    sys.stdout.flush()
    time.sleep(0.03)  # pipes keep no order between them
    sys.stderr.write(f"printed {rest} without an end\\n")
    sys.stderr.write(json.dumps({"type": "idle"}) + "\\n")
    sys.stderr.flush()
while True:
    what, _, rest = job["fixed"].partition(" ")
    if what == "say":
        say("note", text=rest)
        for n in range(4):
            say("progress", phase="perturbing", done=n, total=3, perturbed=n, elapsed_s=1.0,
                left_s=2.0, device="cpu")
    say("phase", phase="reading")
    if what == "crash":
        os.kill(os.getpid(), 11)
    if what == "silent":
        time.sleep(60)
    if what == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    if what == "wait" and sys.stdin.readline().strip() == "cancel":
        say("cancelled")
    else:
        say("finished", output=job["output"], complete=True)
    if "--stay" not in sys.argv:
        break
    idle()
    while not (line := sys.stdin.readline()).startswith("job "):
        if not line:
            sys.exit()
    if what == "then":
        sys.exit()
    job = json.loads(line.removeprefix("job "))
    say("started", pid=os.getpid(), version="stub")
"""


def stub_interpreter(folder: Path, lines: str) -> str:
    """Write an executable that does what some lines of Python say; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "stub.py"
    script.write_text(_PROLOGUE.replace("HOST", HOST) + textwrap.dedent(lines), encoding="utf-8")
    program = folder / "interpreter"
    python = shlex.quote(sys.executable)
    program.write_text(f'#!/bin/sh\nexec {python} -I -S {shlex.quote(str(script))} "$@"\n')
    program.chmod(0o755)
    return str(program)
