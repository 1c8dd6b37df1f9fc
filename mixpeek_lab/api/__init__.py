"""The REST API: routes over a backend, one file per resource. Served by `serving.Gateway`."""
