"""What every page with a playground has: where its parts are, and how a hand moves them."""

from __future__ import annotations

from typing import Any

# What is read off the page.
IDS = "() => [...document.querySelectorAll('.mxp-hit')].map((hit) => hit.dataset.id)"
HITS = """() => [...document.querySelectorAll('.mxp-hit')].map((hit) => ({
  id: hit.dataset.id,
  name: hit.querySelector('.mxp-heading').textContent,
  score: hit.querySelector('.mxp-score-number').textContent,
}))"""
REQUESTS = "() => document.querySelector('.mxp').mixpeek.requests"
FOCUSED = "(id) => document.activeElement.closest('.mxp-hit')?.dataset.id === id"
# Every stop of the Tab key, until the focus leaves the playground.
STOP = """() => {
  const node = document.activeElement;
  if (!node.closest('.mxp')) return null;
  return node.getAttribute('aria-label') ?? node.labels?.[0]?.innerText ?? node.innerText;
}"""
# The hits, the star and the filter are drawn on the map: nothing is asked for several frames.
MAP_SETTLED = """async () => {
  const app = document.querySelector('.mxp').mixpeek;
  for (let quiet = 0; quiet < 8; quiet += 1) {
    if (app.mapPending() || app.client.isBusy()) quiet = 0;
    await new Promise(requestAnimationFrame);
  }
}"""
TABS = ("results", "ranks", "compare", "judge", "sweep", "map", "code")


class PlaygroundPage:
    """A page with one playground; `page` is Playwright's."""

    page: Any

    def settle(self) -> None:
        """Wait until what is under way is painted and Python knows it."""
        raise NotImplementedError

    def ask(self, query: str) -> None:
        """Type a query and press Enter."""
        self.page.locator(".mxp-query").fill(query)
        self.page.locator(".mxp-query").press("Enter")
        self.settle()

    def show(self, tab: str) -> Any:
        """Open a tab; its panel."""
        self.page.locator(f".mxp-tab[data-tab={tab}]").click()
        self.settle()
        return self.page.locator(f"[data-panel={tab}]")

    def ids(self) -> list[str]:
        """The documents in the list of results."""
        return self.page.evaluate(IDS)

    def hits(self) -> list[dict[str, str]]:
        """Id, name and score of the results, as they are written."""
        return self.page.evaluate(HITS)

    def leg(self, name: str) -> Any:
        """A leg's row among the controls."""
        return self.page.locator(f'.mxp-leg[data-leg="{name}"]')

    def slider(self, leg: str) -> Any:
        """A leg's slider."""
        return self.leg(leg).locator("input[type=range]")

    def number(self, leg: str) -> Any:
        """The number beside it."""
        return self.leg(leg).locator(".mxp-slide input[type=number]")

    def depth(self, leg: str) -> Any:
        """The field for how many candidates a leg keeps."""
        return self.leg(leg).locator(".mxp-depth")

    def weigh(self, leg: str, weight: float) -> None:
        """Move a leg's slider."""
        self.slider(leg).fill(str(weight))

    def live(self) -> Any:
        """What screen readers are told."""
        return self.page.locator(".mxp > [role=status]")

    def stops(self) -> list[str]:
        """Press Tab from the query box until the focus leaves: what has it on the way."""
        self.page.locator(".mxp-query").focus()
        found: list[str] = []
        while (stop := self.page.evaluate(STOP)) is not None:
            found.append(stop)
            assert len(found) < 60, found
            self.page.keyboard.press("Tab")
        return found


def drag(page: Any, *path: tuple[float, float]) -> None:
    """Press the mouse at the first place, move it to the others, let go."""
    page.mouse.move(*path[0])
    page.mouse.down()
    for place in path[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def drag_slider(page: Any, slider: Any, share: float) -> None:
    """Take a slider's thumb with the mouse, and put it at a share of its length."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    least, most = (float(slider.get_attribute(name)) for name in ("min", "max"))
    at = (float(slider.input_value()) - least) / (most - least)
    start, length = box["x"] + 8, box["width"] - 16
    drag(page, (start + at * length, middle), (start + share * length, middle))
