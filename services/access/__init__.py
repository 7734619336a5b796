"""Who may do what: principals, API keys, roles, console sessions, and the audit of what they did."""
