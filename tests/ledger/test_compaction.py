"""Compaction: dead grants leave the lists here and in the contract alike; what lives stays, and sales go on."""

from datetime import timedelta

import pytest

from asset_hub.accounts import Role
from asset_hub.core.errors import Forbidden
from ledger.acts import heads
from ledger.codebook import GrantKind
from ledger.compaction import record_compactions
from ledger.deeds import propose_end
from ledger.replay import verify_journal
from tests.builders import make_actor
from tests.ledger.houses import NOW, make_terms
from tests.ledger.test_deeds import Street, agrees_with_chain, carry, hold_for, license_to, street

__all__ = ["street"]
LATER = timedelta(days=8)


def test_what_has_ended_or_lapsed_leaves_the_lists(street: Street) -> None:
    keys = street.house.services.keys
    with street.house.services.database.write() as session:
        operator = make_actor(session, roles={Role.OPERATOR})
        hold_for(street, session, make_terms(uses=("exhibition",)))
        ended = license_to(street, session, make_terms(kind=GrantKind.SOLE))
        license_to(street, session, make_terms(kind=GrantKind.SOLE, uses=("satellite_tv",)))
        plain = license_to(street, session, make_terms(uses=("education",)))
        carry(street, session)
        for number in (ended, plain):
            propose_end(session, keys, number=number, reason="x", by=street.court, now=NOW)
        carry(street, session)
        before = tuple(len(one) for one in heads(session, asset_id=street.asset))

        count = record_compactions(session, by=operator, now=NOW + LATER)
        again = record_compactions(session, by=operator, now=NOW + LATER)
        refused = carry(street, session, later=LATER)

        after = tuple(len(one) for one in heads(session, asset_id=street.asset))
        assert (before, count, again, refused, after) == ((3, 1), 2, 0, [], (1, 0))
        assert agrees_with_chain(street, session)
        assert record_compactions(session, by=operator, now=NOW + LATER) == 0
        license_to(street, session, make_terms(kind=GrantKind.SOLE), buyer=street.other)
        assert carry(street, session, later=LATER) == []
        assert agrees_with_chain(street, session)
        assert verify_journal(session, keys).problems == ()


def test_only_the_operator_compacts(street: Street) -> None:
    with street.house.services.database.write() as session, pytest.raises(Forbidden):
        record_compactions(session, by=street.seller, now=NOW)
