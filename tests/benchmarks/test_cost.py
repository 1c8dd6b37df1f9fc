"""What a query costs beyond its embedding. No Ray, no model; the ratio stands on a busy machine."""

from __future__ import annotations

import cost
import load

from mixpeek_lab.workbench import Lab


def test_two_legs_and_rrf_cost_little_more_than_by_hand(tmp_path):
    """About 1.5 here, of which 0.2 is the way of the query's vector through JSON."""
    lab = Lab(tmp_path / "home")
    queries = load.fill(lab, tmp_path, 1_400)
    by_hand, ours = cost.cost(lab, "docs", "hash_embedding", queries)
    print(f"\nbeyond the embedding: by hand {by_hand:.2f} ms, lab {ours:.2f} ms of processor time")
    assert ours <= 2 * by_hand
