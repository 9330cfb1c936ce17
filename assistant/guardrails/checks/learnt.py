"""Which weights belong to this release, and from which chance on they count. Do not edit by hand.

Written by `python -m tests.bench.attack_fitting`. Attacks are learnt from deepset/prompt-injections
(Apache-2.0), Meta's CyberSecEval (MIT), BIPIA (MIT) and phrases of our own, insults from Curse-detection-data
(MIT); harmless texts are one half of public questions and documents. The levels stop those shares of the
other half that stand in the script.
"""

from __future__ import annotations

from assistant.guardrails.checks.linear import LinearModel

PROMPT_ATTACKS = LinearModel(
    file="prompt_attacks.bin",
    sha256="5b63aa5069b34a0783f9de9cbd6d4bd35bbc29b3dcf235f9dae8f804432f1bb0",
    step=0.028332,
    bias=-5.1203,
    levels=(0.227, 0.525, 0.75),
)

HIDDEN_INSTRUCTIONS = LinearModel(
    file="hidden_instructions.bin",
    sha256="4537224013ba3db9c0d95b3081bf7d04b226d26772b1738c5a82451c53c8168d",
    step=0.0265738,
    bias=-6.30131,
    levels=(0.224, 0.479, 0.702),
)

INSULTS = LinearModel(
    file="insults.bin",
    sha256="298a2b3022d26b192039f4ee7ba041680339daf7ce57ef72de4455cf1bb8fabe",
    step=0.0483875,
    bias=-1.09992,
    levels=(0.621, 0.757, 0.846),
)
