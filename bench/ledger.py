"""Acts a second through the embedded chain, gas of every act, time to verify a certificate, rate of the index.

Beside the gas stand the bare register operation as the design measured it (a whole act also pays for its signatures,
keys, operation id and role) and what the nearest public peer, Story Protocol, reports in its own tests for the nearest
act of its own. Beside the index stands web3.py's own decoding of the same logs in the same run (all of it: indexer.py).
"""

from bench import Figures, fresh_home, measured  # first: it takes this folder off the path

# isort: split
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from asset_hub.accounts import require_organisation
from asset_hub.app import Services
from asset_hub.catalogue import AssetId, AssetKind, ElementValue, Secrecy, create_draft, publish_asset
from asset_hub.core import clock
from asset_hub.core.ids import new_id
from asset_hub.core.period import DateRange
from asset_hub.demo.people import Cast, make_cast
from bench.indexer import BLOCKS, EVENTS_IN_BLOCK, MemorySource, make_blocks, measure_back_fill, measure_web3
from ledger.certificates import delivery_commitment, issue_certificate
from ledger.codebook import GrantKind
from ledger.entries import anchor_digests, record_licence, reserve_number
from ledger.grants import GrantTerms
from ledger.submit import submit_next
from ledger.types import AnchorKind
from ledger.verifier import verify_certificate
from tests.contracts.calls import Signer
from tests.contracts.engine import DAY, Engine
from tests.contracts.typical import prepare, typical_acts

SINGLE, BATCHED, GRANTS, VERIFIED = 30, 200, 20, 200
# Gas of the bare register operation, from the design's measured column; a whole act may cost 2.5 times that.
BARE = {
    "WorkRegistry.register": 49_000, "WorkRegistry.registerMany of 100": 2_600_000, "AnchorRegistry.anchor": 54_700,
    "GrantLedger.grantNonExclusive": 33_900, "GrantLedger.grantExclusive over 0": 48_900,
    "GrantLedger.grantExclusive over 10": 37_500,
    "SettlementLedger.open": 48_000, "SettlementLedger.attestPaid": 83_000,
}  # fmt: skip
# Gas in Story Protocol's own test reports, whole calls.
PEER = {
    "WorkRegistry.register": (248_000, "registers an IP, without the mint"),
    "GrantLedger.grantNonExclusive": (701_000, "mints a licence token, median"),
    "SettlementLedger.attestPaid": (278_000, "pays a royalty (and 111,000 to claim it)"),
    "DisputeRegister.open": (307_000, "raises a dispute"),
    "DisputeRegister.decide": (78_000, "judges a dispute"),
    "DisputeRegister.close": (39_000, "resolves a dispute"),
}
# Engines measured by us on two shared cores, sequential transactions a second: py-evm on SQL, anvil, Hardhat, ganache.
ENGINES = "py-evm 102–111 single, 415 batched; anvil 350; Hardhat 163; ganache 79"


def main() -> None:
    """Print everything."""
    figures = Figures()
    with fresh_home() as services:
        with services.database.write() as session:
            cast = make_cast(session)
        asset_id = publish_work(services, cast)
        services.run_jobs()
        measure_anchors(figures, services)
        licence_id = measure_grants(figures, services, cast, asset_id)
        measure_verification(figures, services, licence_id)
    measure_gas(figures)
    measure_index(figures)
    figures.finish()


def publish_work(services: Services, cast: Cast) -> AssetId:
    """Make and publish the work that is licensed; publishing registers it."""
    by, now = cast.holders["archive"], clock.now()
    with services.database.write() as session:
        asset_id = create_draft(
            session, kind=AssetKind.PICTURE, owner_id=require_organisation(by), secrecy=Secrecy.OPEN,
            values=[ElementValue("title", "朝天门", "person", "zh")], by=by, now=now,
        )  # fmt: skip
        publish_asset(session, asset_id=asset_id, by=by, now=now)
    return asset_id


def measure_anchors(figures: Figures, services: Services) -> None:
    """One act a block, each in a durable transaction of its own; then as many as wait, fifty a block."""
    with measured() as single:
        for _ in range(SINGLE):
            anchor(services, 1)
            submit(services)
    figures.put("acts/s, single", SINGLE / single.seconds, ENGINES)
    anchor(services, BATCHED)
    with measured() as batched:
        submit(services)
    figures.put("acts/s, batched", BATCHED / batched.seconds, f"{BATCHED} anchors")


def anchor(services: Services, count: int) -> None:
    """Record `count` anchors, not yet on the chain."""
    with services.database.write() as session:
        for _ in range(count):
            subject = new_id()
            anchor_digests(
                session, kind=AnchorKind.DELIVERY, subject_id=subject, commitments=[subject.bytes * 2], now=clock.now()
            )


def submit(services: Services) -> None:
    """Carry everything that waits to the chain."""
    while True:
        with services.database.write() as session:
            if not submit_next(session, services.keys, now=clock.now()):
                return


def measure_grants(figures: Figures, services: Services, cast: Cast, asset_id: AssetId) -> AssetId:
    """Grant non-exclusive licences of one work, one after the other; return the last licence with its delivery."""
    licence_id, now = new_id(), clock.now()
    terms = GrantTerms(("streaming",), ("CN",), DateRange.years_from(date(2030, 1, 1), 1), GrantKind.NON_EXCLUSIVE)
    with measured() as granted:
        for _ in range(GRANTS):
            licence_id = new_id()
            with services.database.write() as session:
                number = reserve_number(session)
                record_licence(
                    session, services.keys, number=number, licence_id=licence_id, asset_id=asset_id,
                    licensor_id=require_organisation(cast.holders["archive"]),
                    licensee_id=require_organisation(cast.producer), terms=terms,
                    document={"number": number, "first_day": "2030-01-01", "last_day": "2030-12-31"}, now=now,
                )  # fmt: skip
            submit(services)
    figures.put("grants/s, one work, one after the other", GRANTS / granted.seconds)
    with services.database.write() as session:
        commitment = delivery_commitment(services.keys, licence_id, "ab" * 32)
        anchor_digests(session, kind=AnchorKind.DELIVERY, subject_id=licence_id, commitments=[commitment], now=now)
    submit(services)
    return AssetId(licence_id)


def measure_gas(figures: Figures) -> None:
    """Print the gas of a typical whole act of every function, run on the committed bytecode now."""
    engine, signer = Engine(), Signer()
    prepare(engine, signer)
    for name, build in typical_acts():
        if name.startswith("wait"):
            engine.time += int(name.split()[1]) * DAY
            continue
        outcome = build(signer).send(engine)
        if not outcome.accepted:
            raise SystemExit(f"{name} was refused: {outcome.refusal}")
        if "." in name:
            figures.put(f"gas: {name}", outcome.gas, compare_gas(name, outcome.gas))


def compare_gas(name: str, gas: int) -> str:
    """Say what stands beside an act's gas, empty where nothing does."""
    told = []
    if name in BARE:
        told.append(f"bare {BARE[name]:,}, × {gas / BARE[name]:.2f} (target ≤ 2.5)")
    if name in PEER:
        peer, act = PEER[name]
        told.append(f"Story Protocol {act}: {peer:,}")
    return "; ".join(told)


def measure_index(figures: Figures) -> None:
    """Back-fill beside web3.py's own decoding of the same logs; blocks made in memory."""
    with TemporaryDirectory() as folder:
        headers, logs = make_blocks(BLOCKS, EVENTS_IN_BLOCK)
        theirs = measure_web3(figures, logs)
        measure_back_fill(figures, Path(folder), MemorySource(headers, logs), len(logs), theirs)


def measure_verification(figures: Figures, services: Services, licence_id: AssetId) -> None:
    """Verify one certificate many times, as a stranger would: without the database."""
    with services.database.read() as session:
        certificate = issue_certificate(
            session, services.keys, licence_id=licence_id, delivered_sha256="ab" * 32, delivered_bytes=1,
            delivered_name="picture.jpg", issuer_name="bench", now=clock.now(),
        )  # fmt: skip
    with TemporaryDirectory() as folder, measured() as verified:
        copy = Path(folder) / "certificate.json"
        copy.write_bytes(certificate)
        for _ in range(VERIFIED):
            report = verify_certificate(
                copy.read_bytes(), media=None, trust=None, status=None, today=date(2030, 6, 1), digest="ab" * 32
            )
    if not report.is_valid:
        raise SystemExit(f"the certificate does not hold: {report}")
    figures.put("certificate: verify ms", 1000 * verified.seconds / VERIFIED, f"{len(certificate):,} bytes")


if __name__ == "__main__":
    main()
