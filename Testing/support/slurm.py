"""A Slurm of one's own: authentication, controller and one node, all on loopback, in one folder."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")

_CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={ctld_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/node.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/node.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
InactiveLimit=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Return the programs of Slurm that are not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


@contextmanager
def slurm(folder: Path, cpus: int = 8) -> Iterator[dict[str, str]]:
    """Run a Slurm; gives the environment in which its commands reach it."""
    host = platform.node().partition(".")[0]
    munge = folder / "munge"
    for each in (munge, folder / "state", folder / "spool"):
        each.mkdir(parents=True, mode=0o755)
    (munge / "key").write_bytes(os.urandom(128))
    (munge / "key").chmod(0o600)
    ports = _free_ports(2)
    conf = folder / "slurm.conf"
    conf.write_text(
        _CONF.format(
            host=host,
            user=getpass.getuser(),
            folder=folder,
            ctld_port=ports[0],
            node_port=ports[1],
            cpus=cpus,
        )
    )
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    environment = os.environ | {"SLURM_CONF": str(conf), "PATH": path}
    commands = [
        [
            *("munged", "--foreground", "--force"),
            *(f"--socket={munge}/socket", f"--key-file={munge}/key", f"--seed-file={munge}/seed"),
            *(f"--pid-file={munge}/pid", f"--log-file={munge}/log"),
        ],
        ["slurmctld", "-D", "-f", str(conf), "-c"],
        ["slurmd", "-D", "-f", str(conf), "-N", host],
    ]
    processes = []
    try:
        for command in commands:
            log = (folder / f"{command[0]}.out").open("w")
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            log.close()
            if command[0] == "munged":
                _until((munge / "socket").exists, folder)
        _until(lambda: "idle" in _states(environment), folder)
        yield environment
    finally:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                ["scancel", "--signal=KILL", "--partition=main"], env=environment, timeout=10
            )
            time.sleep(0.5)
        for process in reversed(processes):
            process.terminate()
        for process in reversed(processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _states(environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sinfo", "--noheader", "--format=%t"], env=environment, capture_output=True, text=True
    )
    return done.stdout


def _until(what, folder: Path) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + 60
    while not what():
        if time.monotonic() > end:
            logs = {path.name: path.read_text()[-2000:] for path in folder.glob("*.[lo]*")}
            raise AssertionError(f"Slurm does not come up: {logs}")
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
