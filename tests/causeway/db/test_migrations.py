"""The steps lead to the tables that the code thinks there are, on any number of processes at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, CheckConstraint, inspect, text

import causeway.app  # it knows every table
from causeway.db.base import Base
from causeway.db.engine import make_patient_engine
from causeway.db.installation import open_installation
from causeway.db.migrate import alembic_config, upgrade
from causeway.errors import DatabaseError
from rein.btc.networks import REGTEST, SIGNET

ROOT = Path(causeway.__file__).parent


def test_models_and_migrations_agree(empty_database: URL) -> None:
    upgrade(empty_database)
    with make_patient_engine(empty_database).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
        assert differences == []
        for table in Base.metadata.tables.values():
            found = {check["name"] for check in inspect(connection).get_check_constraints(table.name)}
            wanted = {check.name for check in table.constraints if isinstance(check, CheckConstraint)}
            assert found == wanted, table.name


def test_every_constraint_has_the_name_it_was_given(empty_database: URL) -> None:
    upgrade(empty_database)
    with make_patient_engine(empty_database).connect() as connection:
        names = connection.scalars(
            text("SELECT conname FROM pg_constraint WHERE contype <> 'n' AND connamespace = 'public'::regnamespace")
        ).all()
    assert names
    assert all(name.endswith(("_pk", "_unique", "_fk", "_check")) or name == "alembic_version_pkc" for name in names)


def test_any_number_of_processes_may_upgrade_at_once(empty_database: URL) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [empty_database] * 4))
    upgrade(empty_database)


def test_the_steps_can_be_taken_back(empty_database: URL) -> None:
    from alembic import command

    upgrade(empty_database)
    config = alembic_config()
    with make_patient_engine(empty_database).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with make_patient_engine(empty_database).connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert inspect(connection).get_sequence_names() == []


def test_a_database_of_a_newer_causeway_is_left_alone(empty_database: URL) -> None:
    upgrade(empty_database)
    with make_patient_engine(empty_database).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="newer causeway"):
        upgrade(empty_database)


def test_a_database_keeps_its_network_and_its_secret(empty_database: URL) -> None:
    upgrade(empty_database)
    engine = make_patient_engine(empty_database)
    with engine.begin() as connection:
        first = open_installation(connection, REGTEST)
    with engine.begin() as connection:
        assert open_installation(connection, REGTEST) == first
        assert len(first.nonce_secret) == 32
        assert first.nonce_secret.hex() not in repr(first)
        with pytest.raises(DatabaseError, match="holds documents of regtest") as caught:
            open_installation(connection, SIGNET)
    assert caught.value.hint is not None


def test_a_database_that_is_not_there_is_named(postgres: URL) -> None:
    with pytest.raises(DatabaseError, match="cannot be used"):
        upgrade(postgres.set(database="no_such_database"))


def test_the_steps_are_installed_with_the_rest() -> None:
    """As packages, which setup.py finds by itself; alembic's template, which is no module, it names."""
    migrations = ROOT / "db" / "migrations"
    steps = [Path(script.path).parent for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
    assert steps
    assert all((folder / "__init__.py").exists() for folder in (migrations, *steps))
    assert (migrations / "script.py.mako").exists()
    setup = ROOT.parent / "setup.py"
    assert not setup.exists() or "db/migrations/*.mako" in setup.read_text()
