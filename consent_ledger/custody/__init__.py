"""Custody: keeping a ledger over years, when disks fail, keys change, and people want to be forgotten.

`anchor` remembers outside the database what was published, `recovery` brings back what a restored database forgot,
`rebuild` makes the index anew, `rotation` replaces the log's key, `erasure` destroys what a person said unless `holds`
forbids it.
"""
