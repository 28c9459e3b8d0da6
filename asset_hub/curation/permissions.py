"""Who may curate."""

from asset_hub.accounts import Permission, Role

CURATE = Permission("curation.curate", frozenset({Role.CURATOR}), own_organisation=True)
READ = Permission("curation.read", is_public=True)
TABLE = (CURATE, READ)
