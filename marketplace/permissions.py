"""Who may do what in the trade."""

from asset_hub.accounts import Permission, Role

RECORD_TITLE = Permission("marketplace.record_title", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
LIST = Permission("marketplace.list", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
SEE_GRANTS = Permission("marketplace.see_grants", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
ASK = Permission("marketplace.ask", is_public=True)
QUOTE = Permission("marketplace.quote", frozenset({Role.PRODUCER, Role.CURATOR}))
ORDER = Permission("marketplace.order", frozenset({Role.PRODUCER}), own_organisation=True)
ATTEST = Permission("marketplace.attest_payment", frozenset({Role.OPERATOR}))
SUBLICENSE = Permission("marketplace.sublicense", frozenset({Role.PRODUCER, Role.RIGHTS_DESK}), own_organisation=True)
FETCH = Permission("marketplace.fetch", frozenset({Role.PRODUCER, Role.CURATOR}), own_organisation=True)
EVIDENCE = Permission("marketplace.evidence", frozenset({Role.OPERATOR, Role.REGULATOR}))
TABLE = (RECORD_TITLE, LIST, SEE_GRANTS, ASK, QUOTE, ORDER, ATTEST, SUBLICENSE, FETCH, EVIDENCE)
