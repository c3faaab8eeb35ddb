"""The main flow by keyboard only, with visible focus; and the structure of pages for screen readers."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.support.mobile_page import Phone

pytestmark = pytest.mark.browser

# Return the name of the focused element; "" unless it is fully visible.
FOCUSED = """async () => {
  const passing = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 2000);
  await Promise.allSettled(passing.map((one) => one.finished));
  const one = document.activeElement;
  const name = one.getAttribute("aria-label") || one.textContent.trim() || (one.labels?.[0]?.textContent ?? "").trim();
  if (one === document.body) return { name: "", seen: true, outline: true };
  const points = [...one.getClientRects()].flatMap((r) => {
    const [x, y] = [(r.left + r.right) / 2, (r.top + r.bottom) / 2];  // the corners are round
    return [[r.left + 2, y], [r.right - 2, y], [x, r.top + 2], [x, r.bottom - 2]];
  });
  const seen = points.every(([x, y]) => {
    const top = document.elementFromPoint(x, y);
    return top && (one.contains(top) || top.contains(one));
  });
  // A day or a choice is a field that fills its label; what is drawn around is the label, or what it says.
  const outline = [one, one.closest("label"), one.nextElementSibling].some((drawn) => {
    const style = drawn && getComputedStyle(drawn);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  return { name, seen, outline, html: one.outerHTML };
}"""
MOST_STEPS = 60


def go_to(phone: Phone, name: str) -> None:
    """Press Tab until this element has the focus; every focused element must be visible and highlighted."""
    for _ in range(MOST_STEPS):
        phone.page.keyboard.press("Tab")
        found = phone.page.evaluate(FOCUSED)
        assert found["seen"], f"hidden: {found['html'][:200]}"
        assert found["outline"], f"no outline: {found['html'][:200]}"
        if name in " ".join(found["name"].split()):
            return
    raise AssertionError(f"{name!r} is not reached by {MOST_STEPS} tabs on {phone.page.url}")


def press(phone: Phone, name: str, key: str = "Enter") -> None:
    go_to(phone, name)
    phone.page.keyboard.press(key)


def test_a_payment_by_keyboard(returning: Phone):
    phone = returning
    phone.run_payroll()
    phone.open("/overzicht")
    phone.heading("Inloggen")
    go_to(phone, "E-mailadres")
    phone.page.keyboard.type(phone.person.email)
    go_to(phone, "Wachtwoord")
    phone.page.keyboard.type(phone.person.password)
    phone.page.keyboard.press("Enter")
    phone.heading("Demo BV")
    press(phone, "Naar de inhoud")
    go_to(phone, "Goedkeuring vereist")
    phone.page.keyboard.press("Enter")
    phone.heading("Betaalopdracht")
    expect(phone.pay_button).to_have_text("Controleer eerst de rekeningnummers")
    press(phone, "Uit dossier")
    expect(phone.page.locator("#payment")).to_be_focused()
    expect(phone.pay_button).to_have_text("Betaal € 19.806,08")
    press(phone, "Niet betalen: Jong, Wouter de", "Space")
    expect(phone.pay_button).to_have_text("Betaal € 16.358,00")
    assert phone.page.evaluate(FOCUSED)["name"] == "Niet betalen: Jong, Wouter de", "the focus stays where it was"
    expect(phone.page.locator("#live")).to_contain_text("wordt later betaald")
    press(phone, "Betalen: Jong, Wouter de", "Space")
    expect(phone.pay_button).to_have_text("Betaal € 19.806,08")
    press(phone, "Datum en rekening wijzigen")
    phone.heading("Betaling aanpassen")
    press(phone, "Bevestig wijzigingen")
    phone.heading("Betaalopdracht")
    press(phone, "Betaal €")
    phone.state("Wacht op ondertekening bij de bank")
    press(phone, "Onderteken bij")
    phone.heading("Ondertekenen")
    phone.button("Ondertekenen").press("Enter")  # at the bank
    phone.heading("Betaalopdracht")
    phone.state("Ondertekend")


HEADINGS = "() => [...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]))"
LANDMARKS = "() => ['header', 'main', 'nav'].map((name) => document.querySelectorAll(name).length)"


def test_the_structure_for_screen_readers(wouter: Phone):
    """One h1, no skipped heading level, landmarks, and one live region."""
    phone = wouter
    phone.to_the_payment()
    here = "/" + phone.page.url.removeprefix(phone.house.base_url).split("/")[1]
    payment = phone.page.url.removeprefix(phone.house.base_url)
    for path in (payment, *(f"{here}/{tail}" for tail in ("overzicht", "saldo", "betalingen", "apps", "instellingen"))):
        phone.open(path)
        levels = phone.page.evaluate(HEADINGS)
        assert levels[0] == 1 and levels.count(1) == 1, (path, levels)
        assert all(after - before <= 1 for before, after in pairwise(levels)), (path, levels)
        assert phone.page.evaluate(LANDMARKS)[1:] == [1, 1], path
        expect(phone.page.locator("[aria-live=polite][role=status]#live, #live[role=status]")).to_have_count(1)
        first = phone.page.locator("a, button").first
        expect(first).to_have_text("Naar de inhoud")
