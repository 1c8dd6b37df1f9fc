"""The checks, one small function each: evidence in, verdict out. Their table is `harness.table`."""
