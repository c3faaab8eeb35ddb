"""Draw the PNG icons from static/icons/icon.svg. Run after changing it: python tools/icons.py [chromium]"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ICONS = Path(__file__).parent.parent / "static" / "icons"
SIGN = (ICONS / "icon.svg").read_text()
FULL = SIGN.replace('rx="116"', 'rx="0"')
# A maskable icon may be cropped to its middle 80 %: the sign is smaller and the background reaches the edge.
MASKABLE = FULL.replace('<g id="sign">', '<g id="sign" transform="translate(256 256) scale(.82) translate(-256 -256)">')
WANTED = [
    ("icon-192.png", SIGN, 192),
    ("icon-512.png", SIGN, 512),
    ("maskable-192.png", MASKABLE, 192),
    ("maskable-512.png", MASKABLE, 512),
    ("apple-touch-icon.png", FULL, 180),
]


def draw(page: Page, name: str, svg: str, size: int) -> None:
    page.set_viewport_size({"width": size, "height": size})
    page.set_content(f"<style>body{{margin:0}}svg{{display:block;width:{size}px}}</style>{svg}")
    page.screenshot(path=ICONS / name, omit_background=True)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=sys.argv[1] if len(sys.argv) > 1 else None)
        page = browser.new_page()
        for name, svg, size in WANTED:
            draw(page, name, svg, size)
        browser.close()


if __name__ == "__main__":
    main()
