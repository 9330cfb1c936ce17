"""The few characters that answer by themselves lead the answer and stand out in its sentence."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def test_a_short_answer_leads_in_the_stream_and_after_a_reload(ann: Page, complaints: list[str]) -> None:
    ann.get_by_label("Your question").fill("국내 출장 일비는 얼마예요?")
    ann.keyboard.press("Enter")
    lead, within = ann.locator(".short-lead"), ann.locator(".sentence-text .short")
    expect(ann.locator(".short-lead").first).to_have_text("50,000원")
    expect(ann.locator(".sources").first).to_be_visible()
    ann.reload()
    expect(lead).to_have_text("50,000원")
    expect(within).to_have_text("50,000원")
    expect(ann.locator(".sentence-text").first).to_have_text("국내 출장 일비는 하루 50,000원입니다.")
    assert lead.get_attribute("aria-hidden") == "true"
    assert complaints == []
