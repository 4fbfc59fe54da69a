"""Evidence: what somebody takes away and verifies without this service.

A receipt proves one entry, a certificate one answer, a bundle the log. `selection` says which entries belong into one
that is about an answer, a project or a person; `verification` verifies what is written here.
"""
