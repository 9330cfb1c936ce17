"""How are comparisons, summaries and lists asked for, in English and in Korean?

Each pattern fits a whole question. What is compared stands in the groups a and b, in Korean in a and `rest`,
and in what respect in `respect`; what is summarised or listed, in `what`.
"""

from __future__ import annotations

import re

from assistant.providers.wishes import Task

_PLEASE = r"(?:please |can you |could you )*"
_RESPECT = r"(?: (?:in terms of|regarding|with regard to|as to) (?P<respect>.+?))?"
_SHORT = r"(?!(?:how|what|when|where|which|who|why|is|are|do|does)\b)\S+(?: \S+){0,2}"
_DOCUMENTS = (
    r"(?:documents?|polic(?:y|ies)|guides?|guidelines?|rules|regulations?|files?|pages?|manuals?|handbooks?)"
)
_A = r"(?P<a>.{2,}?)(?:과|와|이랑|랑|하고)\s+"
_MUNSEO = r"(?:문서|규정|지침|정책|가이드|자료|파일|매뉴얼|안내)(?:들)?"

_COMPARES = {
    "en": (
        r"(?:what(?:'s|’s| is| are)|explain|show(?: me)?|tell me|describe|list) (?:me )?the (?:main |key )?"
        rf"differences? (?P<respect1>in [^,?]+? )?between (?P<a>.+?) and (?P<b>.+?){_RESPECT}",
        rf"{_PLEASE}compare (?P<a>.+?) (?:and|with|to|against|versus|vs\.?) (?P<b>.+?){_RESPECT}",
        r"how (?:do|does|is|are) (?P<a>.+?) (?:differ(?:ent)?|compare[sd]?) (?:from|to|with) (?P<b>.+?)"
        rf"{_RESPECT}",
        rf"(?P<a>{_SHORT}) (?:vs\.?|versus) (?P<b>{_SHORT})",
    ),
    "ko": (
        rf"{_A}(?P<rest>.{{2,}}?)\s*(?:차이점?|다른\s?점)(?:[은는이가을를])?\s*"
        r"(?:무엇|뭐|뭔|어떤|알려|설명|정리|있|궁금|$).*",
        rf"{_A}(?P<rest>.{{2,}}?)\s+(?:서로\s*)?(?:어떻게|뭐가|무엇이|어디가)\s*(?:달라|다른|다릅).*",
        rf"{_A}(?P<rest>.{{2,}}?)\s*비교(?:해|하|표|\s|$|\W).*",
        r"(?P<a>.{2,}?)\s+(?:vs\.?|대)\s+(?P<rest>.{2,}?)\s*(?:비교|차이).*",
    ),
}
_SUMMARISES = {
    "en": (
        rf"{_PLEASE}(?:summari[sz]e|sum up|give (?:me )?(?:a |the )?(?:short |brief )?(?:summary|overview)"
        r" of) (?P<what>.+?)(?: for me| in (?:a few|\w+) sentences| briefly)?",
        r"(?:what(?:'s|’s| is) )?(?:a |the )?(?:short |brief )?summary of (?P<what>.+?)",
        r"(?P<what>.+?) (?:in (?:a nutshell|short)|tl;?dr)",
    ),
    "ko": (
        r"(?P<what>.+?)(?:을|를|의|에\s?대해)?\s*(?:내용|전체|핵심|요점)?(?:을|를)?\s*"
        r"(?:간단히|간략히|짧게|한눈에|쉽게)?\s*(?:요약|핵심\s?정리)(?:해|을|\s|본|부탁|정리|$|\W).*",
    ),
}
_LISTS = {
    "en": (
        rf"(?:which|what) {_DOCUMENTS} (?:mention|cover|talk about|are (?:there )?(?:about|on)|deal with"
        r"|contain|refer to|discuss|describe|are related to|exist (?:on|about)|do we have (?:on|about))"
        r" (?P<what>.+?)",
        rf"{_PLEASE}(?:list|show(?: me)?|find|give me) (?:me )?(?:all |the |all the |every )*{_DOCUMENTS} "
        r"(?:on|about|that mention|mentioning|related to|regarding|covering) (?P<what>.+?)",
        rf"(?:is|are) there (?:any |some )?{_DOCUMENTS} (?:on|about|that mention|regarding) (?P<what>.+?)",
    ),
    "ko": (
        r"(?P<what>.+?)(?:과|와|에|을|를)?\s*(?:관련(?:된|한)?|대한|다루는|언급(?:한|하는|된|되는)|나오는|나온|담긴)\s*"
        rf"(?:모든\s*)?{_MUNSEO}\s*(?:(?:은|는|이|가|을|를|의)\s*)?"
        r"(?:목록.*|리스트.*|(?:무엇|뭐|어떤|어느|뭐가|다|모두|전부)?\s*(?:있|인가|예요|알려|찾아|보여|나열|정리).*)",
        rf"(?:어떤|어느|무슨)\s*{_MUNSEO}(?:이|가|에|에서)?\s*(?P<what>.+?)(?:을|를|이|가|에\s?대해)?\s*"
        r"(?:언급|다루|나와|나오|적혀|다뤄|설명).*",
    ),
}
PATTERNS = {
    task: {
        language: tuple(re.compile(rf"\W*{pattern}[\s?!.]*", re.IGNORECASE) for pattern in patterns)
        for language, patterns in by_language.items()
    }
    for task, by_language in (
        (Task.COMPARE, _COMPARES),
        (Task.LIST, _LISTS),
        (Task.SUMMARISE, _SUMMARISES),
    )
}
