"""Authorities of the tests, made by the openssl program: one that stamps over HTTP, one that certifies SM2 keys."""

import hashlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ledger.der import read_der
from ledger.sm_keys import read_pem

_SM2_NAME = ("-sigopt", "distid:1234567812345678")
_TSA = """
[tsa]
default_tsa = tsa_1
[tsa_1]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
[dn]
[stamping]
basicConstraints = CA:FALSE
extendedKeyUsage = critical,timeStamping
[plain]
basicConstraints = CA:FALSE
[authority]
basicConstraints = critical,CA:TRUE
"""


def openssl(folder: Path, *arguments: object) -> str:
    """Run the openssl program, a separate program, version 3 or newer."""
    found = shutil.which("openssl")
    if found is None:
        pytest.skip("the openssl program is not installed")
    done = subprocess.run([found, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Stamping:
    """A time stamping authority; `kind` is how its key is made, `purpose` a section of its configuration."""

    def __init__(self, folder: Path, *, kind: tuple[str, ...] = ("rsa:2048",), purpose: str = "stamping") -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "tsa.cnf").write_text(_TSA.format(folder=folder) + "\n[req]\ndistinguished_name = dn\n")
        (folder / "serial").write_text("01\n")
        openssl(
            folder, "req", "-x509", "-newkey", *kind, "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", 3650,
            "-subj", "/CN=local stamps", "-config", "tsa.cnf", "-extensions", purpose,
        )  # fmt: skip
        [certificate] = read_pem((folder / "cert.pem").read_text())
        self.sha256 = hashlib.sha256(certificate).hexdigest()

    def answer(self, request: bytes) -> bytes:
        (self.folder / "request.tsq").write_bytes(request)
        openssl(
            self.folder, "ts", "-reply", "-queryfile", "request.tsq", "-signer", "cert.pem", "-inkey", "key.pem",
            "-config", "tsa.cnf", "-out", "answer.tsr",
        )  # fmt: skip
        return (self.folder / "answer.tsr").read_bytes()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer over HTTP on the loopback; give the address."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = authority.answer(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-type", "application/timestamp-reply")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/stamp"
        finally:
            server.shutdown()
            server.server_close()


class Sm2Authority:
    """A root and a certified SM2 key; the chain is the key's own certificate, then the root."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sm2.cnf").write_text(_TSA.format(folder=folder) + "\n[req]\ndistinguished_name = dn\n")
        for name in ("root", "leaf"):
            openssl(folder, "ecparam", "-name", "SM2", "-genkey", "-noout", "-out", f"{name}.key")
        openssl(
            folder, "req", "-x509", "-new", "-key", "root.key", "-sm3", *_SM2_NAME, "-days", 3650, "-subj",
            "/CN=local SM2 root", "-config", "sm2.cnf", "-extensions", "authority", "-out", "root.pem",
        )  # fmt: skip
        openssl(
            folder, "req", "-new", "-key", "leaf.key", "-sm3", *_SM2_NAME, "-subj", "/CN=exchange", "-config",
            "sm2.cnf", "-out", "leaf.csr",
        )  # fmt: skip
        openssl(
            folder, "x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
            "-sm3", *_SM2_NAME, "-vfyopt", "distid:1234567812345678", "-days", 3650, "-extfile", "sm2.cnf",
            "-extensions", "plain", "-out", "leaf.pem",
        )  # fmt: skip
        self.folder = folder
        self.chain = tuple(read_pem((folder / f"{name}.pem").read_text())[0] for name in ("leaf", "root"))
        self.root_sha256 = hashlib.sha256(self.chain[1]).hexdigest()
        self.secret = self._secret("leaf")
        self.root_secret = self._secret("root")

    def _secret(self, name: str) -> int:
        openssl(self.folder, "ec", "-in", f"{name}.key", "-outform", "DER", "-out", f"{name}.der")
        return int.from_bytes(read_der((self.folder / f"{name}.der").read_bytes()).inside()[1].body, "big")
