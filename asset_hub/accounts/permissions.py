"""Who may do what with accounts."""

from asset_hub.accounts.roles import Permission, Role

APPLY = Permission("accounts.apply", frozenset(Role))
CHECK = Permission("accounts.check", frozenset({Role.OPERATOR}))
LIST_PARTIES = Permission("accounts.list_parties", frozenset({Role.OPERATOR, Role.REGULATOR}))
MANAGE_MEMBERS = Permission("accounts.manage_members", frozenset({Role.OPERATOR}))
SUSPEND = Permission("accounts.suspend", frozenset({Role.OPERATOR}))

TABLE = (APPLY, CHECK, LIST_PARTIES, MANAGE_MEMBERS, SUSPEND)
