"""Mappings out and in: what terms and answers are in the words of others, and what the signals of others are here.

One module for each vocabulary, all pure functions on data. Three rules hold everywhere (clearance.md, "Vocabulary", 6):

- What comes in is never a grant. It becomes a `Signal`: prohibitions, and hints of what an owner may have permitted.
- A foreign prohibition is read wide: what is not understood in it is left out, and what is left out means all.
  A foreign permission is read narrow: what is not understood in it undoes it. Nobody but a person shown consents for
  her, so a hint never reaches a `*` term and never speaks for a subject.
- What goes out permits no more than what is recorded. A word of another vocabulary that is broader than ours is never
  written as permitted.

What each mapping loses is said in docs/mappings.md.
"""
