"""Who may operate the exchange's machinery."""

from asset_hub.accounts import Permission, Role

SEE_JOBS = Permission("operations.see_jobs", frozenset({Role.OPERATOR}))
RETRY_JOBS = Permission("operations.retry_jobs", frozenset({Role.OPERATOR}))
TABLE = (SEE_JOBS, RETRY_JOBS)
