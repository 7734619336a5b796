"""How rows are kept: engine and sessions, column types, encryption, keyset paging."""
