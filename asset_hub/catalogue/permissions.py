"""Who may do what in the catalogue."""

from asset_hub.accounts import Permission, Role

_MAKERS = frozenset({Role.ARCHIVIST, Role.CATALOGUER, Role.AUDITOR})

DRAFT = Permission("catalogue.draft", frozenset({Role.ARCHIVIST, Role.CATALOGUER}), own_organisation=True)
DESCRIBE = Permission("catalogue.describe", _MAKERS, own_organisation=True)
PUBLISH = Permission("catalogue.publish", frozenset({Role.ARCHIVIST, Role.AUDITOR}), own_organisation=True)
COLLECT = Permission("catalogue.collect", frozenset({Role.ARCHIVIST}), own_organisation=True)
RESTRICT = Permission("catalogue.restrict", frozenset({Role.OPERATOR, Role.REGULATOR}))
RESTRICT_OWN = Permission(
    "catalogue.restrict_own", frozenset({Role.RIGHTS_DESK, Role.ARCHIVIST}), own_organisation=True
)
READ = Permission("catalogue.read", is_public=True)

TABLE = (DRAFT, DESCRIBE, PUBLISH, COLLECT, RESTRICT, RESTRICT_OWN, READ)
