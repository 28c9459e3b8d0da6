"""Who may do what with rights on the ledger."""

from asset_hub.accounts import Permission, Role

DEED = Permission("ledger.deed", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
HOLD = Permission("ledger.hold", frozenset({Role.PRODUCER}), own_organisation=True)
DECREE = Permission("ledger.decree", frozenset({Role.REGULATOR}))
OVERSEE = Permission("ledger.oversee", frozenset({Role.OPERATOR, Role.REGULATOR}))

TABLE = (DEED, HOLD, DECREE, OVERSEE)
