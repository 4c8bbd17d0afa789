"""Where pairs are registered: workers of this computer, of a batch system, of a scheduler.

One worker of `dask.distributed` does one registration at a time; its second thread measures the
last pair meanwhile. All parts speak TLS, with certificates made for the run: whoever could speak to
a scheduler without one could run anything in the person's name, and these are patients.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, Security, SpecCluster, WorkerPlugin

from ..errors import InputError, ResourceError
from ..worker.remote import connect

#: Threads of a worker: one registers, the other one measures what was registered before.
THREADS = 2
#: Cores and memory that one registration makes good use of on a CPU.
_CORES, _GIGABYTES = 4, 4

_CONFIG: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 4,
    "distributed.scheduler.work-stealing": False,
    # what is remembered for the dashboard would grow with the pairs
    "distributed.admin.low-level-log-length": 500,
    "distributed.worker.profile.enabled": False,
    "distributed.deploy.lost-worker-timeout": "3s",
    "distributed.comm.timeouts.connect": "30s",
    "distributed.comm.retry.count": 3,
    "jobqueue.slurm.job-extra-directives": [],
}


class BatchSystem(Enum):
    """Batch systems that workers can be asked of; the value is the option's name."""

    SLURM = "slurm"
    PBS = "pbs"
    SGE = "sge"
    LSF = "lsf"


@dataclass(frozen=True)
class Where:
    """Which workers register.

    Parameters
    ----------
    workers
        How many; None takes one for each GPU of this computer, or as many as its cores and memory
        allow.
    cores
        Threads of each on a CPU; None divides this computer's.
    scheduler
        Address of one that is already there: "tls://host:8786", or "tcp://".
    tls
        Certificate of the authority, own certificate and key, for such a scheduler; None for none.
    batch
        Ask a batch system for workers instead.
    partition, gpus, memory, walltime, extra
        Of a job there: queue, GPUs, "8GB", "12:00:00", and further directives.
    """

    workers: int | None = None
    cores: int | None = None
    scheduler: str | None = None
    tls: tuple[Path, Path, Path] | None = None
    batch: BatchSystem | None = None
    partition: str | None = None
    gpus: int = 0
    memory: str = "8GB"
    walltime: str | None = None
    extra: tuple[str, ...] = ()


@dataclass
class Workers:
    """Workers at hand.

    Parameters
    ----------
    client
        Of their scheduler.
    wanted
        How many there are to be; 0 where somebody else decides.
    cores
        Threads of each registration on a CPU; None leaves it to torch.
    cluster
        Ours; None where the scheduler is somebody else's.
    """

    client: Any
    wanted: int
    cores: int | None
    cluster: Any = None

    @property
    def dashboard(self) -> str:
        """The address of the scheduler's page."""
        return str(self.client.dashboard_link or "")

    @property
    def slots(self) -> int:
        """How many pairs can be under way at the same time."""
        known = sum(self.client.nthreads().values())
        return max(int(known), THREADS * max(self.wanted, 1))

    def replace_lost(self) -> None:
        """Ask anew for workers whose job or process is gone."""
        if self.cluster is not None:
            _forget_cancelled_jobs(self.cluster)
            self.cluster.scale(self.wanted)


class _Quiet(WorkerPlugin):  # type: ignore[misc]
    """Keeps a worker from printing what it meets while it ends."""

    def setup(self, worker: Any) -> None:
        """Begin."""
        for name in ("distributed", "tornado.application", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def workers(where: Where, logs: Path) -> Iterator[Workers]:
    """Give workers, which are gone afterwards unless they are somebody else's.

    Parameters
    ----------
    where
        Which.
    logs
        Folder for the logs of jobs.

    Raises
    ------
    InputError, ResourceError
        If they cannot be had.
    """
    for name in ("distributed", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(_CONFIG):
        if where.scheduler is not None:
            with connect(where.scheduler, where.tls) as client:
                yield Workers(client, 0, where.cores)
            return
        security = Security.temporary()
        if where.batch is None:
            cluster, wanted, cores = _on_this_computer(where, security)
        else:
            cluster, wanted, cores = _of_batch_system(where, security, logs)
        try:
            with Client(cluster, security=security, set_as_default=False) as client:
                client.register_plugin(_Quiet())
                yield Workers(client, wanted, cores, cluster)
        finally:
            with suppress(Exception):  # it may have died before us
                cluster.close(timeout=10)


def _on_this_computer(where: Where, security: Any) -> tuple[Any, int, int | None]:
    gpus = visible_gpus()
    count, cores = planned_workers(where)
    common = {
        "nthreads": THREADS,
        "host": "127.0.0.1",
        "memory_limit": 0,  # the registering process is another one
        "security": security,
        "protocol": "tls://",
        "dashboard": False,
        "silence_logs": logging.CRITICAL,
    }
    spec = {
        n: {
            "cls": Nanny,
            "options": common
            | ({"env": {"CUDA_VISIBLE_DEVICES": gpus[n % len(gpus)]}} if gpus else {}),
        }
        for n in range(count)
    }
    scheduler = {
        "cls": Scheduler,
        "options": {
            "protocol": "tls://",
            "host": "127.0.0.1",
            "security": security,
            "dashboard": True,
            "dashboard_address": "127.0.0.1:0",
        },
    }
    cluster = SpecCluster(
        workers=spec, scheduler=scheduler, security=security, silence_logs=logging.CRITICAL
    )
    return cluster, count, cores


def _of_batch_system(where: Where, security: Any, logs: Path) -> tuple[Any, int, int]:
    import dask_jobqueue as jobqueue

    if where.workers is None:
        raise InputError("How many workers a batch system is asked for is not said.", "--workers N")
    logs.mkdir(parents=True, exist_ok=True)
    shared = logs / "certificates"
    shared.mkdir(mode=0o700, exist_ok=True)
    kinds = {
        BatchSystem.SLURM: jobqueue.SLURMCluster,
        BatchSystem.PBS: jobqueue.PBSCluster,
        BatchSystem.SGE: jobqueue.SGECluster,
        BatchSystem.LSF: jobqueue.LSFCluster,
    }
    cores = where.cores or _CORES
    extra = list(where.extra)
    if where.gpus and where.batch is BatchSystem.SLURM:
        extra.append(f"--gpus={where.gpus}")
    elif where.gpus and not extra:
        raise InputError(
            f"How {where.batch.value.upper()} is asked for a GPU differs from site to site."
            if where.batch is not None
            else "",
            "Give the site's own directive with --directive.",
        )
    options: dict[str, Any] = {
        "cores": THREADS,
        "job_cpu": cores,
        "processes": 1,
        "memory": where.memory,
        "queue": where.partition,
        "walltime": where.walltime,
        "python": sys.executable,
        "security": security,
        "protocol": "tls://",
        "shared_temp_directory": str(shared),
        "log_directory": str(logs),
        "local_directory": None,
        "death_timeout": 120,
        "worker_extra_args": ["--no-dashboard", "--memory-limit", "0"],
        "scheduler_options": {"dashboard_address": "127.0.0.1:0"},
        "job_extra_directives": extra,
        "silence_logs": logging.CRITICAL,
    }
    if where.batch in (BatchSystem.SGE, BatchSystem.LSF, BatchSystem.PBS):
        options.pop("job_cpu")
        options["cores"] = cores
        options["worker_extra_args"] += ["--nthreads", str(THREADS)]
    try:
        cluster = kinds[where.batch or BatchSystem.SLURM](
            **{name: value for name, value in options.items() if value is not None}
        )
        cluster.scale(where.workers)
    except (OSError, RuntimeError, ValueError) as error:
        raise ResourceError(f"No workers can be asked for: {error}") from error
    return cluster, where.workers, cores


def planned_workers(where: Where) -> tuple[int, int | None]:
    """Return how many workers this computer takes, and threads of each: see `divided`."""
    gpus = len(visible_gpus())
    return divided(where.workers, where.cores, _own_cores(), _memory_gb(), gpus)


def divided(
    workers: int | None, cores: int | None, own_cores: int, memory_gb: float, gpus: int
) -> tuple[int, int | None]:
    """Say how many workers a computer takes, and with how many threads each.

    One for each GPU; on CPUs as many as have four cores and 4 GB each, and at least one.

    Parameters
    ----------
    workers, cores
        What the person asked for; None leaves it open.
    own_cores, memory_gb, gpus
        What there is.

    Returns
    -------
    int, int or None
        None leaves the threads to torch.
    """
    if gpus:
        return workers or gpus, cores
    if workers is None:
        fit = own_cores // (cores or _CORES), int(memory_gb // _GIGABYTES)
        workers = max(1, min(fit))
    return workers, cores or max(1, own_cores // workers)


def visible_gpus() -> list[str]:
    """Return the GPUs of NVIDIA's that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [each for each in visible.replace(" ", "").split(",") if each not in ("", "-1")]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return [str(number) for number in range(len(found))]


def _own_cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gb() -> float:
    from distributed.system import MEMORY_LIMIT

    return float(MEMORY_LIMIT) / 1e9


def _forget_cancelled_jobs(cluster: Any) -> None:
    """Let go of jobs of Slurm that ended before their worker came: nobody else would miss them."""
    known = {str(each.get("name")) for each in cluster.scheduler_info["workers"].values()}
    waiting = {
        name: str(job.job_id)
        for name, job in list(cluster.workers.items())
        if getattr(job, "job_id", None) and str(name) not in known
    }
    if not waiting or type(cluster).__name__ != "SLURMCluster":
        return
    with suppress(OSError, subprocess.TimeoutExpired):
        listed = subprocess.run(
            ["squeue", "--noheader", "--format=%i", "--jobs", ",".join(waiting.values())],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if listed.returncode != 0 and "Invalid job id" not in listed.stderr:
            return  # the controller is away, and says nothing about jobs
        there = set(listed.stdout.split())
        for name, number in waiting.items():
            if number not in there:
                cluster.workers.pop(name, None)
