"""Everything that touches a camera. Never imports storage: a worker of its own process has no database."""
