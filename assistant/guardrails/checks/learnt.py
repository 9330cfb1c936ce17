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
    sha256="8995d1802ff8ab5687d7ed622ef54e279f7f83ac943428ec66c0f672017bdc87",
    step=0.0286418,
    bias=-5.10715,
    levels=(0.218, 0.501, 0.768),
)

HIDDEN_INSTRUCTIONS = LinearModel(
    file="hidden_instructions.bin",
    sha256="113234e5a862fb50fba4ce080a077bcb2e1e34e8ac18ef0f280aca47e8085b57",
    step=0.0228549,
    bias=-6.47886,
    levels=(0.178, 0.359, 0.797),
)

INSULTS = LinearModel(
    file="insults.bin",
    sha256="7ced51b33594855d9764320fc06f7f432c52532313d6bcce12b6a23eb0702e3a",
    step=0.0483979,
    bias=-1.0983,
    levels=(0.621, 0.758, 0.848),
)
