"""The audit report: what a ledger holds and who vouches for it, on a few pages, with the data it was counted from.

`document` gathers the data, `figures` counts, `page` and `pdf` set it. The pages are made of the data alone, so that
every figure on them can be recomputed from the file that is attached, and equal data give equal bytes.
"""
