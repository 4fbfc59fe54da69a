"""Who may use the service: organisations, their tokens with scopes, their staff with sessions.

None of it is evidence: a statement is authenticated by its signature, and what is kept here may change and go.
Secrets are random, shown once and kept as hashes. Nothing is remembered for longer than the database says that nothing
was committed, so what is revoked is revoked at once, in every process.
"""
