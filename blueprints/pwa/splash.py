"""iOS splash images, one for each exact screen size."""

from dataclasses import dataclass

# Width and height in points, pixels per point: every iPhone and iPad with iOS 16 or newer, in portrait (Apple, Human
# Interface Guidelines, "Layout", device screen dimensions).
SCREENS = (
    (440, 956, 3), (430, 932, 3), (428, 926, 3), (420, 912, 3), (414, 896, 3), (414, 896, 2), (402, 874, 3),
    (393, 852, 3), (390, 844, 3), (375, 812, 3), (414, 736, 3), (375, 667, 2), (1032, 1376, 2), (1024, 1366, 2),
    (834, 1210, 2), (834, 1194, 2), (820, 1180, 2), (834, 1112, 2), (810, 1080, 2), (768, 1024, 2), (744, 1133, 2),
)  # fmt: skip


@dataclass(frozen=True)
class Splash:
    """An image under static/ and the screen it is for."""

    width: int
    height: int
    ratio: int
    scheme: str

    @property
    def name(self) -> str:
        dark = "-dark" if self.scheme == "dark" else ""
        return f"splash/{self.width * self.ratio}x{self.height * self.ratio}{dark}.png"

    @property
    def media(self) -> str:
        return (
            f"(device-width: {self.width}px) and (device-height: {self.height}px) and "
            f"(-webkit-device-pixel-ratio: {self.ratio}) and (prefers-color-scheme: {self.scheme})"
        )


ALL = [Splash(*screen, scheme) for screen in SCREENS for scheme in ("light", "dark")]


def wanted(agent: str) -> list[Splash]:
    """Return all images for a browser that may be on iOS (an iPad identifies as a Mac), else none."""
    return ALL if any(mark in agent for mark in ("iPhone", "iPad", "Macintosh")) else []
