"""Runs axe on a page that a browser shows, and returns the violations as lines."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# What axe returns besides violations (a record of every element that passed) would be most of the traffic.
_VIOLATIONS = {"resultTypes": ["violations"]}
# Axe checks targets of 24 pixels (WCAG 2.5.8) only on request.
_EVERY_RULE = {**_VIOLATIONS, "rules": {"target-size": {"enabled": True}}}
# The rules that depend on colours. The dark scheme changes nothing else (tests/test_design_tokens.py).
_RULES_OF_COLOUR = {**_VIOLATIONS, "runOnly": ["color-contrast", "link-in-text-block"]}

# Axe leaves empty style attributes, which htmx would copy and the content security policy would refuse.
_CLEAN_UP = "document.querySelectorAll('[style=\"\"]').forEach((one) => one.removeAttribute('style'))"


def axe_violations(page: Page, *, of_colour_only: bool = False) -> list[str]:
    """Return what axe finds on the page as it is now: the id of each rule and the first elements that break it.

    `of_colour_only` runs only the rules that depend on colours, for a page of which the other rules were checked.
    """
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(
        "(options) => axe.run(document, options)", _RULES_OF_COLOUR if of_colour_only else _EVERY_RULE
    )
    page.evaluate(_CLEAN_UP)
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found["violations"]]
