"""The endpoint under load. Limits on time are loose: `load.py` prints the numbers themselves."""

from __future__ import annotations

from statistics import median

import load
import pytest

from mixpeek_lab.workbench import Lab

pytestmark = [pytest.mark.alone, pytest.mark.ray]


@pytest.fixture(scope="module")
def numbers(lab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("load")
    with Lab(folder / "home") as own:  # on the tests' Ray
        queries = load.fill(own, folder)
        own.serve("load")
        found = load.measure(own, queries)
    print("\n" + load.table(found))
    return found


def test_fifty_clients_get_what_a_lone_one_gets(numbers):
    assert numbers["asked"] == load.CLIENTS * load.EACH
    assert (numbers["refused"], numbers["wrong"]) == (0, 0)


def test_a_search_over_http_costs_little_beyond_its_embedding(numbers):
    assert median(numbers["lone_beyond_ms"]) <= 60
