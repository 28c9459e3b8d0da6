"""One Alembic history: up, equal to the models, and down again, on both databases."""

import pytest
import sqlalchemy as sa

from asset_hub.core.db import Database
from asset_hub.migrations import check, downgrade, upgrade


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: object) -> Database:
    url = f"sqlite:///{tmp_path}/empty.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    return Database(url)


def test_the_history_goes_up_agrees_with_the_models_and_goes_down(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    check(empty)
    made = set(sa.inspect(empty.engine).get_table_names())

    downgrade(empty)

    left = set(sa.inspect(empty.engine).get_table_names())
    empty.dispose()
    assert "core_job" in made
    assert left == {"alembic_version"}
