"""Pages for people, rendered here: no script but the proof check, nothing from elsewhere, in English and Dutch.

A page translates, as a route does: what it shows is read by `reading`, decided by `licenses`, counted by `reporting`.
"""
