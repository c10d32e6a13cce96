"""A Slurm cluster of one node on the loopback interface, for the tests: no munge, no systemd, no database.

Everything lies in one folder, and nothing of it in /etc/slurm: several clusters run side by side, each on
ports of its own. The node claims more processors and memory than the machine has, and two graphics
processors, so that jobs ask for what the workflow's rules say.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")

SLURM_CONF = """\
ClusterName=mosforge
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=3600
KillWait=5
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 CPUs=64 RealMemory=256000 Gres=gpu:2 State=UNKNOWN
PartitionName=short Nodes=localhost Default=YES MaxTime=INFINITE State=UP
PartitionName=accelerated Nodes=localhost MaxTime=INFINITE State=UP
"""

# Devices that every machine has stand in for graphics processors: Slurm counts them and hands them out.
GRES_CONF = """\
NodeName=localhost Name=gpu File=/dev/null
NodeName=localhost Name=gpu File=/dev/zero
"""


class ClusterError(Exception):
    """The cluster did not start; the message says what its daemons said."""


@dataclass(frozen=True)
class Job:
    """A job as Slurm remembers it."""

    number: int
    rule: str
    state: str
    partition: str
    cpus: int
    memory_mb: int
    minutes: int
    gpus: int
    array: bool


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        environment: in which Slurm's commands reach it.
    """

    environment: dict[str, str]

    def ask(self, *words: str) -> str:
        """What one of Slurm's commands prints."""
        run = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, check=True, timeout=60
        )
        return run.stdout

    def jobs(self) -> list[Job]:
        """All jobs since the start, oldest first; a task of an array counts as a job."""
        lines = self.ask("scontrol", "show", "job", "--oneliner").splitlines()
        fields = [dict(word.partition("=")[::2] for word in line.split()) for line in lines]
        jobs = [_job(field) for field in fields if "JobId" in field]
        return sorted(jobs, key=lambda job: job.number)


def missing_program() -> str | None:
    """One of Slurm's programs that is not installed; None if all are."""
    return next((name for name in PROGRAMS if not _where(name)), None)


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster in a new folder, while the block runs; its jobs and daemons end with it.

    Raises:
        ClusterError: it does not start.
    """
    for name in ("bin", "state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "gres.conf").write_text(GRES_CONF)
    # Jobs lose all variables named SLURM_*: commands that set SLURM_CONF themselves stand first on PATH.
    for name in PROGRAMS:
        command = folder / "bin" / name
        command.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {_where(name)} "$@"\n')
        command.chmod(0o755)
    foreign = ("SLURM", "SBATCH", "SRUN")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    environment["PATH"] = os.pathsep.join([str(folder / "bin"), environment.get("PATH", os.defpath)])
    cluster = Cluster(environment)
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        _start(cluster, daemons, folder)
        yield cluster
    finally:
        _stop(cluster, daemons)


def _start(cluster: Cluster, daemons: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Starts both daemons; once more on other ports where somebody else was quicker."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    for attempt in range(3):
        controller, node = _free_ports(2)
        text = SLURM_CONF.format(folder=folder, user=user, controller_port=controller, node_port=node)
        (folder / "slurm.conf").write_text(text)
        for name, *words in (("slurmctld", "-D"), ("slurmd", "-D", "-N", "localhost")):
            # the daemons end with this process even where it is killed
            command = ["setpriv", "--pdeathsig", "TERM", str(folder / "bin" / name), *words]
            with (folder / f"{name}.out").open("wb") as out:
                daemons.append(
                    subprocess.Popen(
                        command, env=cluster.environment, stdout=out, stderr=out, start_new_session=True
                    )
                )
        try:
            return _wait_until_idle(cluster, daemons, folder)
        except ClusterError:
            _stop(cluster, daemons)
            daemons.clear()
            if attempt == 2:
                raise


def _wait_until_idle(cluster: Cluster, daemons: list[subprocess.Popen[bytes]], folder: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and all(daemon.poll() is None for daemon in daemons):
        with contextlib.suppress(subprocess.SubprocessError):
            if "idle" in cluster.ask("sinfo", "--noheader", "--format=%t"):
                return
        time.sleep(0.2)
    logs = [path.read_text(errors="replace")[-2000:] for path in sorted(folder.glob("*.out"))]
    raise ClusterError("\n".join(["Slurm did not start", *logs]))


def _stop(cluster: Cluster, daemons: list[subprocess.Popen[bytes]]) -> None:
    """Ends jobs, then daemons, however far they got."""
    with contextlib.suppress(subprocess.SubprocessError):
        cluster.ask("scancel", "--signal=KILL", "--full", "--state=RUNNING")
        cluster.ask("scancel", "--state=PENDING")
        end = time.monotonic() + 20
        while cluster.ask("squeue", "--noheader").strip() and time.monotonic() < end:
            time.sleep(0.2)
    for daemon in daemons:
        daemon.terminate()
    for daemon in daemons:
        try:
            daemon.wait(timeout=20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _job(fields: dict[str, str]) -> Job:
    rule = fields.get("Comment", "").removeprefix("rule_").partition("_wildcards_")[0]
    hours, minutes, _ = fields["TimeLimit"].rpartition("-")[2].split(":")
    days = int(fields["TimeLimit"].rpartition("-")[0] or 0)
    return Job(
        number=int(fields["JobId"]),
        rule=rule,
        state=fields["JobState"],
        partition=fields["Partition"],
        cpus=int(fields["NumCPUs"]),
        memory_mb=_megabytes(fields["MinMemoryNode"]),
        minutes=(24 * days + int(hours)) * 60 + int(minutes),
        gpus=int(fields.get("TresPerJob", "gpu:0").rpartition(":")[2]),
        array="ArrayTaskId" in fields,
    )


def _megabytes(text: str) -> int:
    return int(float(text.rstrip("MG")) * (1024 if text.endswith("G") else 1))


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _where(name: str) -> str | None:
    """Where a program lies; daemons are not on everybody's PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
