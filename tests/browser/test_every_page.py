"""Every page after setup, in both languages, four sizes, light and dark: no overflow, no layout shift, no serious axe
violation, no console message; also at 320 pixels, with text at 200 % and with wide spacing (WCAG 1.4.10, 1.4.4,
1.4.12). Screenshots go to BIZCUIT_SCREENSHOTS: `make pictures`.
"""

import os
import re

import pytest
from playwright.sync_api import expect

from tests.support.accessibility import axe_violations
from tests.support.large_text import unreadable_when_large
from tests.support.mobile_page import Phone

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

SIZES = ((360, 740), (390, 844), (768, 1024), (1440, 900))
NARROW, LARGE, USUAL = 320, 32, 16  # pixels: width of the window, size of the browser's font
# Apply the text spacing of WCAG 1.4.12, and remove it.
SPACED = """() => {
  const wide = new CSSStyleSheet();
  wide.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
    p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets = [wide];
}"""
# Truncated texts; those in native fields are up to the browser.
SHORTENED = """() => [...document.querySelectorAll('main *, header *, nav *')].filter((one) =>
  one.tagName !== 'SELECT' && one.tagName !== 'INPUT' && getComputedStyle(one).textOverflow === 'ellipsis'
  && one.scrollWidth > one.clientWidth + 1 && one.clientWidth).map((one) => `shortened: ${one.textContent.trim()}`)"""
USUAL_SPACE = "() => { document.adoptedStyleSheets = []; }"
MOST_SHIFT = 0.02  # in total (web.dev, cumulative layout shift: good is up to 0.1)
OUTSIDE = (
    "/registreren", "/registreren/bedrijf", "/wachtwoord-vergeten", "/offline", "/voorwaarden", "/privacy",
    "/verwerkers",
)
INSIDE = (
    "overzicht", "welkom", "saldo", "saldo/toevoegen", "saldo/toevoegen/zonder-koppeling", "betalingen", "apps",
    "apps/nmbrs", "apps/nmbrs/toevoegen", "apps/nmbrs/eerder", "instellingen", "instellingen/passkeys",
    "instellingen/wachtwoord", "instellingen/e-mailadres", "instellingen/naam", "instellingen/bedrijf",
    "instellingen/meldingen", "pincode", "identificatie", "mensen", "mensen/uitnodigen", "mensen/vier-ogen",
)  # fmt: skip
# Follow links on these pages to pages with an id in their URL.
FOLLOWED = re.compile(r"/(apps/nmbrs/\d+/|apps/nmbrs/historie/|saldo/\d+$|mensen/\d+$|betalingen/\d+-\d+)")

SHIFTS = """new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted = (window.shifted || 0) + one.value;
}).observe({type: 'layout-shift', buffered: true})"""
# Elements wider than the window, and text that is cut off where it should not be.
STICKS_OUT = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > wide) found.push(`the page: ${document.documentElement.scrollWidth}`);
  for (const one of document.querySelectorAll('main *, header *, nav *')) {
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    if (!box.width || !box.height || style.visibility === 'hidden' || one.closest('.visually-hidden, .sr')) continue;
    if (box.right > wide + 1 && !one.closest('[data-scrolls], .clients')) found.push(`${one.tagName} ${one.className}`);
    const cut = one.scrollWidth > one.clientWidth + 1 && style.overflowX === 'hidden';
    if (cut && style.textOverflow !== 'ellipsis' && one.childElementCount === 0 && one.textContent.trim())
      found.push(`cut: ${one.textContent.trim().slice(0, 40)}`);
  }
  return found.slice(0, 5);
}"""


def picture(phone: Phone, name: str) -> None:
    """Take a screenshot, only if requested: there are some seven hundred."""
    if "BIZCUIT_SCREENSHOTS" in os.environ:
        phone.shot(name, whole=True)


def look(phone: Phone, name: str) -> list[str]:
    """Return the problems of the open page, at each size and in both colour schemes."""
    wrong = []
    for scheme in ("light", "dark"):
        phone.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        phone.page.wait_for_function("() => document.getAnimations().length === 0")
        for width, height in SIZES:
            phone.page.set_viewport_size({"width": width, "height": height})
            found = phone.page.evaluate(STICKS_OUT) + phone.page.evaluate(SHORTENED)
            wrong += [f"{width} {scheme}: {one}" for one in found]
            picture(phone, f"alle-{name}-{width}-{scheme}")
        wrong += [f"axe {scheme}: {one}" for one in axe_violations(phone.page)]
    phone.page.emulate_media(color_scheme="light")
    wrong += narrow_and_large(phone, name)
    phone.page.set_viewport_size({"width": 390, "height": 844})
    return wrong


def narrow_and_large(phone: Phone, name: str) -> list[str]:
    """Check the narrowest supported window, and text at 200 %."""
    phone.page.set_viewport_size({"width": NARROW, "height": 640})
    wrong = [f"{NARROW}: {one}" for one in phone.page.evaluate(STICKS_OUT)]
    phone.page.set_viewport_size({"width": 390, "height": 844})
    devtools = phone.page.context.new_cdp_session(phone.page)
    devtools.send("Page.setFontSizes", {"fontSizes": {"standard": LARGE, "fixed": LARGE}})
    wrong += [f"twice as large: {one}" for one in phone.page.evaluate(STICKS_OUT)]
    devtools.send("Page.setFontSizes", {"fontSizes": {"standard": USUAL, "fixed": 13}})
    phone.page.evaluate(SPACED)
    wrong += [f"widely spaced: {one}" for one in phone.page.evaluate(STICKS_OUT)]
    phone.page.evaluate(USUAL_SPACE)
    devtools.detach()
    return wrong + unreadable_when_large(phone.page, STICKS_OUT)


def opened(phone: Phone, path: str) -> list[str]:
    """Open a page on the phone, measure layout shifts, then check it in every way."""
    phone.open(path)
    phone.page.wait_for_load_state("networkidle")
    shifted = phone.page.evaluate("window.shifted || 0")
    jumps = [f"jumps: {shifted:.3f}"] if shifted > MOST_SHIFT else []
    name = re.sub(r"\W+", "-", path.strip("/").partition("/")[2] or path).strip("-")
    language = phone.page.locator("html").get_attribute("lang")
    return [f"{path}: {one}" for one in jumps + look(phone, f"{language}-{name or 'begin'}")]


def asks_for(phone: Phone, language: str) -> None:
    """Set the language that this browser requests."""
    agent = phone.page.evaluate("navigator.userAgent")
    devtools = phone.page.context.new_cdp_session(phone.page)
    devtools.send("Network.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": language})


def chooses(phone: Phone, here: str, language: str) -> None:
    phone.open(f"{here}/instellingen")
    phone.page.locator(f"input[name=language][value={language}]").check()
    phone.page.locator("form[action$='/taal'] button").click()
    expect(phone.page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_page(returning: Phone, language: str):
    phone = returning
    phone.page.add_init_script(SHIFTS)
    asks_for(phone, language)
    wrong = [one for path in ("/inloggen", *OUTSIDE) for one in opened(phone, path)]
    expect(phone.page.locator("html")).to_have_attribute("lang", language)
    asks_for(phone, "nl")
    phone.open("/inloggen")
    phone.sign_in()
    phone.heading("Demo BV")
    phone.to_the_payment()
    here = "/" + phone.page.url.removeprefix(phone.house.base_url).split("/")[1]
    chooses(phone, here, language)
    paths, seen = [f"{here}/{one}" for one in INSIDE] + ["/bewijs", "/bestaat-niet"], set()
    while paths:
        path = paths.pop(0)
        seen.add(path)
        wrong += opened(phone, path)
        links = phone.page.locator("main a[href]").evaluate_all("all => all.map((a) => a.getAttribute('href'))")
        more = {one.partition("?")[0].partition("#")[0] for one in links if FOLLOWED.search(one.partition("#")[0])}
        paths += sorted(more - seen - set(paths))
    assert len(seen) >= len(INSIDE) + 8, sorted(seen)
    assert wrong == [], "\n".join(wrong)
