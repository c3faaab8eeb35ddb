"""Text at 200 % (WCAG 1.4.4) on a small phone: what stands over other text, or is cut off where its box ends."""

from playwright.sync_api import Page, ViewportSize

SMALL_PHONE: ViewportSize = {"width": 375, "height": 667}
TWICE = """() => {
  const large = new CSSStyleSheet();
  large.replaceSync(`html { font-size: 200% !important; } * { content-visibility: visible !important; }`);
  document.adoptedStyleSheets = [large];
}"""
USUAL = "() => { document.adoptedStyleSheets = []; }"
# What floats above the page is left out: it stands over other text until one scrolls.
UNREADABLE = """() => {
  const unread = '.sr, .skip, [hidden], script, style, svg, select, textarea', texts = [], found = [];
  const above = (one) => one && (/fixed|sticky/.test(getComputedStyle(one).position) || above(one.parentElement));
  const edge = (one) => !one ? innerWidth : /clip|hidden/.test(getComputedStyle(one).overflowX)
    ? Math.min(one.getBoundingClientRect().right, innerWidth) : edge(one.parentElement);
  const told = (node) => node.textContent.trim().slice(0, 30);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest(unread)) continue;
    if (!parent.checkVisibility({visibilityProperty: true, opacityProperty: true}) || above(parent)) continue;
    const range = document.createRange(), end = parent.closest('.clients') ? Infinity : edge(parent);
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 3 || box.height < 3) continue;
      if (box.right > end + 2) found.push(`cut off: ${told(node)}`);
      texts.push([node, box]);
    }
  }
  texts.forEach(([node, one], at) => texts.slice(at + 1).forEach(([other, two]) => {
    const wide = Math.min(one.right, two.right) - Math.max(one.left, two.left);
    const high = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
    if (node !== other && wide > 2 && high > Math.min(one.height, two.height) / 2)
      found.push(`overprinted: ${told(node)} / ${told(other)}`);
  }));
  return [...new Set(found)].slice(0, 5);
}"""


def unreadable_when_large(page: Page, sticks_out: str) -> list[str]:
    """Return what is wrong with the open page at 200 %, in the window of a small phone. `sticks_out`: a script that
    returns elements wider than the window.
    """
    page.set_viewport_size(SMALL_PHONE)
    page.evaluate(TWICE)
    wrong = page.evaluate(sticks_out) + page.evaluate(UNREADABLE)
    page.evaluate(USUAL)
    return [f"text at 200 %: {one}" for one in wrong]
