"""Who said it: canonical bytes, instants, Ed25519 keys, DSSE envelopes and signed notes.

This room knows bytes, keys and signatures, and nothing about what is signed. It is pure: times, seeds and bytes come in
as arguments, and every check raises.
"""
