"""Answers in parts: streamed under their headings, and side by side where there is room."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def test_two_sides_stand_beside_each_other_and_below_each_other_on_a_phone(
    ann: Page, complaints: list[str]
) -> None:
    ann.get_by_label("Your question").fill("Compare Remote work guideline and 출장경비 규정")
    ann.keyboard.press("Enter")
    expect(ann.locator(".sources").first).to_be_visible()
    sides = ann.locator('.parts[data-layout="side"] .part')
    expect(sides).to_have_count(2)
    expect(sides.nth(0).locator(".part-title")).to_have_text("Remote work guideline")
    expect(sides.nth(1)).to_contain_text("50,000원")
    left, right = (sides.nth(at).bounding_box() for at in (0, 1))
    assert left is not None
    assert right is not None
    assert (left["y"], left["x"] < right["x"]) == (right["y"], True)
    ann.set_viewport_size({"width": 390, "height": 844})
    above, below = (sides.nth(at).bounding_box() for at in (0, 1))
    assert above is not None
    assert below is not None
    assert (above["x"], above["y"] < below["y"]) == (below["x"], True)
    assert complaints == []


def test_a_follow_up_says_what_was_searched_for(ann: Page) -> None:
    ann.get_by_label("Your question").fill("국내 출장 일비는 얼마예요?")
    ann.keyboard.press("Enter")
    expect(ann.locator(".sources").first).to_be_visible()
    ann.get_by_label("Your question").fill("그럼 해외 출장은요?")
    ann.keyboard.press("Enter")
    line = ann.locator("[data-searched]:visible")
    expect(line).to_contain_text("해외 출장 일비는 얼마예요?")
    ann.reload()
    expect(line).to_contain_text("해외 출장 일비는 얼마예요?")
