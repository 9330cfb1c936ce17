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
    sha256="bca3d3c5819b66fa4b207cfb3913bf397c30d20afb6d48df4acfc749754ec789",
    step=0.0286235,
    bias=-5.11073,
    levels=(0.223, 0.423, 0.771),
)

HIDDEN_INSTRUCTIONS = LinearModel(
    file="hidden_instructions.bin",
    sha256="d4d7310850a42ad065dc2b5420dcfb4ce73cfd706f7beecb1ad9fb1fd9d92871",
    step=0.027233,
    bias=-6.31163,
    levels=(0.223, 0.537, 0.909),
)

INSULTS = LinearModel(
    file="insults.bin",
    sha256="11fa5309c31f71e74bc5647e30996e66011e164b9fe8552c8eb7e3bba9e507b1",
    step=0.048348,
    bias=-1.09755,
    levels=(0.621, 0.755, 0.845),
)
