"""What is recorded about projects, templates and media, for whoever may see it.

A viewer is the party id of an organisation; None is the ledger's operator, who sees everything. What a viewer may not
see is as if it were not there. Which that is, `licenses.visibility` says.
"""
