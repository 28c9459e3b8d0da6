"""Files under their SHA-256: a folder by default, an S3-compatible bucket at scale, one protocol.

Names are never keys: what a person called a file lives in the database, as bytes.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from asset_hub.core.errors import BadInput, NotFound
from asset_hub.core.host import scratch_prefix, sweep_scratch
from asset_hub.core.text import N_

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_CHUNK = 1 << 20
_DIGEST_LENGTH = 64
_STILL_FRESH = timedelta(hours=1)


class BlobMissing(NotFound):
    """No file is stored under this digest."""

    slug, title = "blob-missing", N_("The stored file is missing")


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored file: lower-case hex SHA-256 and its length in bytes."""

    sha256: str
    bytes_count: int


class FileStore(Protocol):
    """Content-addressed bytes; every read raises BlobMissing.

    Storing what is there already changes only its time, so that `delete(…, before=…)`, which a sweep calls while others
    store, leaves alone what somebody has just stored again. `delete` says whether it removed anything.
    """

    def put_path(self, path: Path) -> Blob: ...
    def size(self, sha256: str) -> int: ...
    def stream(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]: ...
    def as_path(self, sha256: str) -> AbstractContextManager[Path]: ...
    def delete(self, sha256: str, *, before: datetime) -> bool: ...
    def digests(self) -> Iterator[str]: ...


def open_files(url: str) -> FileStore:
    """Open file:///folder or s3://bucket/prefix (credentials and endpoint from the usual AWS_ variables)."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderFiles(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        from obstore.store import S3Store

        return BucketFiles(S3Store(parts.netloc, prefix=parts.path.strip("/") or None))
    raise BadInput(N_("“{url}” is not an address for files: use file:// or s3://."), url=url)


def put_bytes(files: FileStore, content: bytes) -> Blob:
    """Store a small value that is in memory."""
    with tempfile.NamedTemporaryFile(prefix=scratch_prefix()) as file:
        file.write(content)
        file.flush()
        return files.put_path(Path(file.name))


def replace_file(target: Path, content: bytes) -> None:
    """Put a small file in place whole: whoever reads it meanwhile, or after a crash, finds the old one or this one."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(target)


def read_blob(files: FileStore, sha256: str, start: int = 0, end: int | None = None) -> bytes:
    """Read [start, end) into memory."""
    return b"".join(files.stream(sha256, start, end))


class FolderFiles:
    """A folder. A digest is acknowledged only after its bytes and its name are on disk (fsync)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "incoming").mkdir(parents=True, exist_ok=True)
        sweep_scratch(root / "incoming")

    def put_path(self, path: Path) -> Blob:
        incoming = self.root / "incoming"
        with (
            path.open("rb") as source,
            tempfile.NamedTemporaryFile(dir=incoming, prefix=scratch_prefix()) as fresh,
        ):
            blob = _copy(source.fileno(), fresh.fileno())
            target = self._place(blob.sha256)
            with self._hold(fcntl.LOCK_SH):
                if target.exists():
                    os.utime(target)
                else:
                    os.fsync(fresh.fileno())
                    _link_durably(Path(fresh.name), target)
            return blob

    def size(self, sha256: str) -> int:
        return self._existing(sha256).stat().st_size

    def stream(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        path = self._existing(sha256)
        return _read_range(path, start, path.stat().st_size if end is None else end)

    @contextmanager
    def as_path(self, sha256: str) -> Iterator[Path]:
        """Lend the stored file itself; it is read-only by agreement."""
        yield self._existing(sha256)

    def delete(self, sha256: str, *, before: datetime) -> bool:
        path = self._place(sha256)
        with self._hold(fcntl.LOCK_EX):
            if not path.exists() or _stored_at(path) >= before:
                return False
            path.unlink()
        return True

    def digests(self) -> Iterator[str]:
        return (path.name for path in sorted(self.root.glob("??/??/*")) if len(path.name) == _DIGEST_LENGTH)

    @contextmanager
    def _hold(self, kind: int) -> Iterator[None]:
        """Keep storing (shared) and deleting (alone) apart, for as long as looking and then acting takes."""
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, kind)
            yield

    def _place(self, sha256: str) -> Path:
        check_digest(sha256)
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def _existing(self, sha256: str) -> Path:
        path = self._place(sha256)
        if not path.exists():
            raise BlobMissing(N_("No file is stored under {digest}."), digest=sha256)
        return path


class BucketFiles:
    """Any obstore object store. An object that is not fresh is written again, which gives it a new time.

    A bucket cannot delete on a condition: between the look at an object's time and its deletion lies one request.
    """

    def __init__(self, store: "ObjectStore") -> None:
        self.store = store

    def put_path(self, path: Path) -> Blob:
        with path.open("rb") as source:
            blob = Blob(hashlib.file_digest(source, "sha256").hexdigest(), os.fstat(source.fileno()).st_size)
        stored = self._stored_at(blob.sha256)
        if stored is None or stored < datetime.now(UTC) - _STILL_FRESH:
            self.store.put(_key(blob.sha256), path)
        return blob

    def size(self, sha256: str) -> int:
        try:
            return int(self.store.head(_key(sha256))["size"])
        except FileNotFoundError as error:
            raise BlobMissing(N_("No file is stored under {digest}."), digest=sha256) from error

    def stream(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        stop = self.size(sha256) if end is None else end
        return self._chunks(sha256, start, stop)

    def _chunks(self, sha256: str, start: int, stop: int) -> Iterator[bytes]:
        for offset in range(start, stop, 8 * _CHUNK):
            yield bytes(self.store.get_range(_key(sha256), start=offset, end=min(stop, offset + 8 * _CHUNK)))

    @contextmanager
    def as_path(self, sha256: str) -> Iterator[Path]:
        """Bring the object into a temporary file for as long as it is needed."""
        with tempfile.NamedTemporaryFile(prefix=scratch_prefix()) as file:
            for chunk in self.stream(sha256):
                file.write(chunk)
            file.flush()
            yield Path(file.name)

    def delete(self, sha256: str, *, before: datetime) -> bool:
        stored = self._stored_at(sha256)
        if stored is None or stored >= before:
            return False
        self.store.delete(_key(sha256))
        return True

    def digests(self) -> Iterator[str]:
        for batch in self.store.list("blobs/"):
            for item in batch:
                yield str(item["path"]).rsplit("/", 1)[-1]

    def _stored_at(self, sha256: str) -> datetime | None:
        try:
            return self.store.head(_key(sha256))["last_modified"]
        except FileNotFoundError:
            return None


def is_digest(text: str) -> bool:
    """Say whether this is a SHA-256 as we write it: 64 lower-case hex digits."""
    return len(text) == _DIGEST_LENGTH and set(text) <= set("0123456789abcdef")


def check_digest(sha256: str) -> None:
    """Refuse anything that is no digest, before it becomes part of a path."""
    if not is_digest(sha256):
        raise BadInput(N_("“{text}” is not a SHA-256 digest."), text=sha256[:80])


def _key(sha256: str) -> str:
    check_digest(sha256)
    return f"blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _stored_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _copy(source: int, target: int) -> Blob:
    digest, count = hashlib.sha256(), 0
    while chunk := os.read(source, _CHUNK):
        digest.update(chunk)
        count += len(chunk)
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
    return Blob(digest.hexdigest(), count)


def _link_durably(fresh: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(fresh, target)
    except FileExistsError:
        return
    os.chmod(target, 0o444)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_range(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while (left := stop - file.tell()) > 0 and (chunk := file.read(min(_CHUNK, left))):
            yield chunk
