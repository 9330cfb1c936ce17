"""Tags are replaced up to their ends, in a time that grows with the text and not with its square."""

from __future__ import annotations

import time

import pytest

from connectors.sdk.paired_tags import replace_paired


def marked(name: str, inside: str) -> str:
    return f"({name}:{inside})"


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("a <pre>b</pre> c", "a (pre:b) c"),
        ("<PRE class='x'>b\nc</Pre >", "(pre:b\nc)"),
        ("<pre/>after", "(pre:)after"),
        ("<pre>open", "<pre>open"),
        ("<pre>a <code>b</code></pre><code>c</code>", "(pre:a <code>b</code>)(code:c)"),
        ("<pre><code>b</code>", "<pre>(code:b)"),
        ("<prefix>b</prefix>", "<prefix>b</prefix>"),
        ("", ""),
    ],
)
def test_a_tag_is_replaced_with_what_it_holds(text: str, replaced: str) -> None:
    assert replace_paired(text, ("pre", "code"), marked) == replaced


@pytest.mark.parametrize("piece", ["<pre>", "<pre ", "</pre>", "<pre><code>", "<pre/>"])
def test_a_hostile_text_is_read_in_no_time(piece: str) -> None:
    started = time.process_time()
    replace_paired(piece * 100_000, ("pre", "code"), marked)
    assert time.process_time() - started < 5
