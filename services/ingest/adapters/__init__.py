"""Adapters of ingest's ports to the outside."""
