"""docker-compose.yml: every setting can be given to its servers, by the file that it reads itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.mark.parametrize("name", ["server", "watcher"])
def test_the_whole_settings_file_is_passed(name: str) -> None:
    if not COMPOSE.exists():
        pytest.skip("docker-compose.yml is not beside these tests")
    service = yaml.safe_load(COMPOSE.read_text())["services"][name]
    assert service["env_file"] == ".env"
    # What is set here goes before the file: so it must come from there as well, or be no choice of the operator's.
    for variable, value in service["environment"].items():
        assert f"${{{variable}:-" in value or (variable, "${POSTGRES_PASSWORD}" in value) == ("DATABASE_URL", True)
