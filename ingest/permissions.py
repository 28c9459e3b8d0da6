"""Who may bring things in, and who may look after what was brought in."""

from asset_hub.accounts import Permission, Role

RECEIVE = Permission("ingest.receive", frozenset({Role.ARCHIVIST, Role.CATALOGUER}), own_organisation=True)
READ = Permission(
    "ingest.read", frozenset({Role.ARCHIVIST, Role.CATALOGUER, Role.AUDITOR, Role.RIGHTS_DESK}), own_organisation=True
)
RETRY = Permission("ingest.retry", frozenset({Role.ARCHIVIST}), own_organisation=True)
TABLE = (RECEIVE, READ, RETRY)
