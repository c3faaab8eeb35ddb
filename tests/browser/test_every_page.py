"""Every page of somebody who is set up, at four sizes, light and dark: nothing sticks out, nothing jumps, axe finds
nothing of any weight, and the browser has nothing to say. A picture of each is left in the folder of pictures."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.phone import Phone

pytestmark = pytest.mark.browser

SIZES = ((360, 740), (390, 844), (768, 1024), (1440, 900))
MOST_SHIFT = 0.02  # of the window, in all (web.dev, cumulative layout shift: good is 0.1)
OUTSIDE = ("/registreren", "/registreren/bedrijf", "/wachtwoord-vergeten", "/offline")
INSIDE = (
    "overzicht", "welkom", "saldo", "saldo/toevoegen", "saldo/toevoegen/zonder-koppeling", "betalingen", "apps",
    "apps/nmbrs", "apps/nmbrs/toevoegen", "apps/nmbrs/eerder", "instellingen", "instellingen/passkeys",
    "instellingen/wachtwoord", "pincode", "identificatie", "mensen", "mensen/uitnodigen", "mensen/vier-ogen",
)  # fmt: skip
# Links of these pages lead to the pages that have a number in their address.
FOLLOWED = re.compile(r"/(apps/nmbrs/\d+/|apps/nmbrs/historie/|saldo/\d+$|mensen/\d+$|betalingen/\d+-\d+)")

SHIFTS = """new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted = (window.shifted || 0) + one.value;
}).observe({type: 'layout-shift', buffered: true})"""
# What is wider than the window, and words that are cut off where they should not be.
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


def look(phone: Phone, name: str) -> list[str]:
    """What is wrong with the page that is open, at each size and in both schemes."""
    wrong = []
    for scheme in ("light", "dark"):
        phone.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width, height in SIZES:
            phone.page.set_viewport_size({"width": width, "height": height})
            wrong += [f"{width} {scheme}: {one}" for one in phone.page.evaluate(STICKS_OUT)]
            phone.shot(f"alle-{name}-{width}-{scheme}", whole=True)
        found = Axe().run(phone.page).response["violations"]
        phone.page.evaluate("document.querySelectorAll('[style=\"\"]').forEach((e) => e.removeAttribute('style'))")
        wrong += [f"axe {scheme}: {one['id']} {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]
    phone.page.emulate_media(color_scheme="light")
    phone.page.set_viewport_size({"width": 390, "height": 844})
    return wrong


def opened(phone: Phone, path: str) -> list[str]:
    """Open it on the phone, see what jumps, then look at it everywhere."""
    phone.open(path)
    phone.page.wait_for_load_state("networkidle")
    shifted = phone.page.evaluate("window.shifted || 0")
    jumps = [f"jumps: {shifted:.3f}"] if shifted > MOST_SHIFT else []
    name = re.sub(r"\W+", "-", path.strip("/").partition("/")[2] or path).strip("-")
    return [f"{path}: {one}" for one in jumps + look(phone, name or "begin")]


def test_every_page(wouter: Phone):
    phone = wouter
    phone.page.add_init_script(SHIFTS)
    wrong = [one for path in ("/inloggen", *OUTSIDE) for one in opened(phone, path)]
    phone.to_the_payment()
    here = "/" + phone.page.url.removeprefix(phone.house.base_url).split("/")[1]
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
