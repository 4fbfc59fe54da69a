"""Words of ODRL 2.2 and of the profiles beside it that are about the same things as ours.

`AI_DRAFT` is the community group's draft vocabulary of 2026 for AI: it is read, and not written, because it may change.
"""

from typing import Final

from consent_ledger.licenses.mappings.relations import Table

NAMESPACE: Final = "http://www.w3.org/ns/odrl/2/"
CREATIVE_COMMONS: Final = "http://creativecommons.org/ns#"
CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"

ACTIVITIES: Final[Table] = {
    "annotate": [(NAMESPACE + "annotate", "close")],
    "index": [(NAMESPACE + "index", "exact")],
    "display": [(NAMESPACE + "display", "exact"), (NAMESPACE + "present", "close")],
}
AI_DRAFT: Final[Table] = {
    "analyze": [(NAMESPACE + "data-mining", "broad")],
    "train": [(NAMESPACE + "ai-training", "exact")],
    "train.generative": [(NAMESPACE + "gen-ai", "exact")],
    "infer": [(NAMESPACE + "ai-augment", "exact")],
}
CONTEXTS: Final[Table] = {"commercial": [(CREATIVE_COMMONS + "CommercialUse", "exact")]}
AUDIENCES: Final[Table] = {
    "recipient": [(NAMESPACE + "distribute", "broad")],
    "open": [(NAMESPACE + "distribute", "close")],
}
