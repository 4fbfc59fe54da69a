"""Terms of the Data Privacy Vocabulary 2.3 (w3id.org/dpv) that are about the same things as ours.

Every address here is one that version 2.3 defines: `dpv-2.3.txt` beside this file is the list of those checked.
"""

from typing import Final

from consent_ledger.licenses.mappings.relations import Table

DPV: Final = "https://w3id.org/dpv#"
AI: Final = "https://w3id.org/dpv/ai#"
PD: Final = "https://w3id.org/dpv/pd#"
AI_ACT: Final = "https://w3id.org/dpv/legal/eu/aiact#"

ACTIVITIES: Final[Table] = {
    "annotate": [(AI + "DataAnnotation", "exact"), (AI + "DataLabelling", "narrow")],
    "analyze": [(DPV + "Analyse", "close"), (AI + "TextDataMining", "narrow")],
    "index": [(DPV + "SearchFunctionalities", "close")],
    "train": [(AI + "ModelTraining", "exact"), (AI + "ModelFineTuning", "narrow")],
    "train.discriminative": [(AI + "ModelTraining", "broad")],
    "train.generative": [(AI + "ModelTraining", "broad"), (AI + "GenAI", "close")],
    "evaluate": [(AI + "TestingData", "close"), (AI + "ValidationData", "close")],
    "infer": [(DPV + "Infer", "close")],
    "display": [(DPV + "Display", "exact")],
    "promote": [(DPV + "Marketing", "exact"), (DPV + "Advertising", "narrow")],
}
AIMS: Final[Table] = {
    "general": [(DPV + "Purpose", "close")],
    "detect_synthetic": [(DPV + "MisusePreventionAndDetection", "broad"), (AI + "PatternRecognition", "broad")],
    "biometric": [(AI + "BiometricCapability", "exact"), (PD + "Biometric", "close")],
    "biometric.identify": [
        (AI + "BiometricIdentification", "exact"),
        (AI_ACT + "BiometricIdentification", "exact"),
        (AI_ACT + "BiometricVerification", "narrow"),
    ],
    "biometric.categorise": [
        (AI + "BiometricCategorisation", "exact"),
        (AI_ACT + "BiometricCategorisation", "exact"),
    ],
    "emotion": [(AI + "EmotionRecognition", "exact"), (AI_ACT + "EmotionRecognition", "exact")],
    "likeness": [
        (AI_ACT + "DeepFakeGeneration", "close"),
        (AI + "SpeechSynthesis", "broad"),
        (AI + "VideoGeneration", "broad"),
    ],
}
CONTEXTS: Final[Table] = {
    "noncommercial": [(DPV + "NonCommercialPurpose", "exact")],
    "noncommercial.academic": [(DPV + "AcademicResearch", "exact")],
    "commercial": [(DPV + "CommercialPurpose", "exact")],
}
AUDIENCES: Final[Table] = {
    "internal": [(DPV + "Use", "broad")],
    "recipient": [(DPV + "Share", "close")],
    "gated": [(DPV + "MakeAvailable", "close")],
    "open": [(DPV + "Disseminate", "close")],
}
STRUCTURE: Final = tuple(
    DPV + name
    for name in (
        "Permission", "Prohibition", "hasPermission", "hasProhibition", "hasProcessing", "hasPurpose",
        "hasRecipient", "hasLocation", "hasObligation",
    )
)  # fmt: skip
"""What a document of rules is built from."""
