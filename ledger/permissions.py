"""Who may do what with rights on the ledger, in disputes, and with royalty statements."""

from asset_hub.accounts import Permission, Role

DEED = Permission("ledger.deed", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
END_LICENCE = Permission("ledger.end_licence", frozenset({Role.RIGHTS_DESK, Role.PRODUCER}), own_organisation=True)
HOLD = Permission("ledger.hold", frozenset({Role.PRODUCER}), own_organisation=True)
DECREE = Permission("ledger.decree", frozenset({Role.REGULATOR}))
OVERSEE = Permission("ledger.oversee", frozenset({Role.OPERATOR, Role.REGULATOR}))
COMPACT = Permission("ledger.compact", frozenset({Role.OPERATOR}))
BRING_CASE = Permission("ledger.bring_case", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
RULE_CASE = Permission("ledger.rule_case", frozenset({Role.REGULATOR}))
CLOSE_CASE = Permission("ledger.close_case", frozenset({Role.OPERATOR}))
SEE_CASES = Permission("ledger.see_cases", frozenset(Role), own_organisation=True)
OVERSEE_CASES = Permission("ledger.oversee_cases", frozenset({Role.OPERATOR, Role.REGULATOR}))
PUBLISH_STATEMENT = Permission("ledger.publish_statement", frozenset({Role.OPERATOR}))
SEE_STATEMENTS = Permission("ledger.see_statements", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
OVERSEE_STATEMENTS = Permission("ledger.oversee_statements", frozenset({Role.OPERATOR}))
OBJECT = Permission("ledger.object", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
KEYS = Permission("ledger.keys", frozenset({Role.RIGHTS_DESK}), own_organisation=True)
CONFIRM = Permission("ledger.confirm", frozenset({Role.OPERATOR}))
CONFIRM_OFFICE = Permission("ledger.confirm_office", frozenset({Role.OPERATOR, Role.REGULATOR}))
PAUSE = Permission("ledger.pause", frozenset({Role.OPERATOR, Role.REGULATOR}))
RECOVER_KEY = Permission("ledger.recover_key", frozenset({Role.OPERATOR}))
SIGN_ROLE = Permission("ledger.sign_role", frozenset({Role.REGULATOR}))
CHANGE_ROLES = Permission("ledger.change_roles", frozenset({Role.OPERATOR}))
WITHDRAW_ROLE = Permission("ledger.withdraw_role", frozenset({Role.OPERATOR, Role.REGULATOR}))
OVERSEE_UNSIGNED = Permission("ledger.oversee_unsigned", frozenset({Role.OPERATOR}))

TABLE = (
    DEED, END_LICENCE, HOLD, DECREE, OVERSEE, COMPACT, BRING_CASE, RULE_CASE, CLOSE_CASE, SEE_CASES, OVERSEE_CASES,
    PUBLISH_STATEMENT, SEE_STATEMENTS, OVERSEE_STATEMENTS, OBJECT, KEYS, CONFIRM,
    CONFIRM_OFFICE, PAUSE, RECOVER_KEY, SIGN_ROLE, CHANGE_ROLES, WITHDRAW_ROLE, OVERSEE_UNSIGNED,
)  # fmt: skip
