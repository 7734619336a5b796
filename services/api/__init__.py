"""HTTP: the REST interface for integrators, the monitoring centre, operators and workers. Sole importer of FastAPI."""
