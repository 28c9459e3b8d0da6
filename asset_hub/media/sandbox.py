"""Takes rights away from this process, for good: limits, files outside the given folders, sockets, other processes.

Linux only for Landlock and seccomp; where the kernel lacks them, the resource limits remain.
Sources: landlock(7), seccomp(2), setrlimit(2).
"""

import ctypes
import os
import resource
import shutil
import signal
import struct
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read file, read folder
_WRITE = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))
_ALL_ABI_1 = _READ | _WRITE
_TRUNCATE = 1 << 14
_PATH_BENEATH = 1
_SCOPED = 1 << 0 | 1 << 1  # abstract sockets and signals reach only processes as limited as this one
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/proc/self", "/dev/null", "/dev/urandom", "/sys/devices",
    "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/fonts", "/etc/ssl/openssl.cnf", "/etc/gnutls",
)  # fmt: skip
_PROGRAMS = ("ffmpeg", "ffprobe", "pdftoppm")
_INSTALLED = ("site-packages", "dist-packages")
_REFUSED_CALLS = (
    "kill", "tkill", "tgkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "kcmp",
    "socket", "io_uring_setup", "add_key", "request_key", "keyctl",
    "mount", "umount2", "unshare", "setns", "kexec_load", "bpf", "perf_event_open", "userfaultfd",
)  # fmt: skip


def limit_resources(*, seconds: int, memory: int = 6 << 30, file_size: int = 32 << 30) -> None:
    """Bound CPU time and address space (bytes), file size and open files; a wall clock ends what only waits."""
    resource.setrlimit(resource.RLIMIT_CPU, (2 * seconds, 2 * seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.setitimer(signal.ITIMER_REAL, seconds)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def limit_rights(*, readable: Sequence[Path], writable: Sequence[Path]) -> str:
    """Allow only programs, Python's modules and the given paths, and no network, no signal to anybody.

    Returns what could be enforced.
    """
    done = ["rlimits"]
    _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if _landlock([*(Path(p) for p in _SYSTEM), *_programs(), *_modules(), *readable], writable):
        done.append("landlock")
    if _seccomp():
        done.append("seccomp")
    return "+".join(done)


def _programs() -> list[Path]:
    """Return the programs that lie elsewhere than in /usr, and their libraries."""
    found = [Path(path).resolve() for name in _PROGRAMS if (path := shutil.which(name))]
    return [place for program in found for place in (program, program.parent.parent / "lib")]


def _modules() -> list[Path]:
    """Return where Python and installed packages lie, and of our own sources only those that a child runs.

    Never a whole folder of sources: the home, with its secret and everybody's files, may lie inside it.
    """
    own = Path(__file__).resolve().parents[1]
    installed = [Path(path) for path in sys.path if Path(path).name in _INSTALLED]
    standard = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    return [*standard, *installed, own / "__init__.py", own / "core", own / "media"]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _landlock(readable: Sequence[Path], writable: Sequence[Path]) -> bool:
    libc = _libc()
    abi = libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if abi < 1:
        return False
    handled = _ALL_ABI_1 | (_TRUNCATE if abi >= 3 else 0)
    attributes = struct.pack("QQQ", handled, 0, _SCOPED) if abi >= 6 else struct.pack("Q", handled)
    ruleset = libc.syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    for path in readable:
        _allow(libc, ruleset, path, _READ)
    for path in writable:
        _allow(libc, ruleset, path, handled)
    _allow(libc, ruleset, Path("/dev/null"), 1 << 1 | 1 << 2)
    restricted = bool(libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0)
    os.close(ruleset)
    return restricted


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not path.is_dir():
        rights &= 1 << 0 | 1 << 1 | 1 << 2 | _TRUNCATE
    libc.syscall(_LANDLOCK_ADD, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    os.close(handle)


def _seccomp() -> bool:
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return False
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refuse = pyseccomp.ERRNO(1)
    for call in _REFUSED_CALLS:
        rules.add_rule(refuse, call)
    rules.add_rule(refuse, "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))  # limits of another process
    rules.load()
    return True
