"""Who acts, for which organisation, with which permission."""

from asset_hub.accounts.events import OrganisationAdmitted, OrganisationStatusChanged
from asset_hub.accounts.parties import (
    Party,
    PartyKind,
    PartyState,
    apply_for_admission,
    check_application,
    find_party,
    get_party,
    list_parties,
    party_names,
)
from asset_hub.accounts.people import (
    actor_of_login,
    actor_of_person,
    actor_of_secret,
    create_person,
    end_session,
    issue_token,
    join,
    local_operator,
    open_session,
    people_with_role,
    sign_in,
)
from asset_hub.accounts.roles import (
    ANONYMOUS,
    Actor,
    OrganisationId,
    Permission,
    PersonId,
    Role,
    may,
    require,
    require_organisation,
    require_own_hand,
    require_person,
    require_reach,
)
from asset_hub.accounts.suspension import suspended_houses

__all__ = [
    "ANONYMOUS", "Actor", "OrganisationAdmitted", "OrganisationId", "OrganisationStatusChanged", "Party", "PartyKind",
    "PartyState", "Permission", "PersonId", "Role", "actor_of_login", "actor_of_person", "actor_of_secret",
    "apply_for_admission", "check_application", "create_person", "end_session", "find_party", "get_party",
    "issue_token", "join", "list_parties", "local_operator", "may", "open_session", "party_names", "people_with_role",
    "require", "require_organisation", "require_own_hand", "require_person", "require_reach", "sign_in",
    "suspended_houses",
]  # fmt: skip
