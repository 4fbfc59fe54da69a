"""The new terms of S11: a use that the shipped template does not have, its wordings, and who says what to it."""

from tests.scenarios.playing import OPEN

INFER = ("--activity", "infer", *OPEN[2:])
RULE = """
[[rules]]
id = "answers"
optional = true
[rules.permission]
activities = ["infer"]
aims = ["general"]
contexts = ["noncommercial", "commercial"]
max_audience = "open"
territories = ["WORLD"]
licences = ["CC-BY-4.0"]
explicit = false
"""
TEXTS = {
    "en": "\n## Finished models: only if you say yes {#rule-answers}\n\nWe ask you apart whether anybody may feed your "
    "videos, as part of the open dataset, to finished AI models.\n",
    "nl": "\n## Kant-en-klare modellen: alleen als u ja zegt {#rule-answers}\n\nWij vragen u apart of iedereen uw "
    "video's, als deel van de open dataset, aan een kant-en-klaar AI-model mag voeren.\n",
}
QUESTIONS = {
    "en": "\n## May everyone feed your videos to a finished AI model? {#rule-answers}\n\n"
    "If you say no, nothing changes.\n",
    "nl": "\n## Mag iedereen uw video's aan een AI-model voeren? {#rule-answers}\n\n"
    "Zegt u nee, dan verandert er niets.\n",
}
ANSWERS = {**dict.fromkeys((0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11), "yes"), **dict.fromkeys((12, 13, 14, 15), "no")}
"""By i % 20; who is not here says nothing."""
