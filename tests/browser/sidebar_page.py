"""The sidebar of a notebook's page, for tests: what is there is waited for."""

from __future__ import annotations

from conftest import NotebookPage

LOAD = "%load_ext mixpeek_lab"
SECTIONS = ("Extractors", "Buckets", "Collections", "Runs", "Retrievers", "Endpoints")
CELL = """() => [...document.querySelectorAll('.jp-CodeCell.jp-mod-active .cm-line')]
  .map((line) => line.textContent).join('\\n')"""


class SidebarPage:
    """The sidebar of a notebook's page."""

    def __init__(self, notebook: NotebookPage) -> None:
        self.notebook, self.page = notebook, notebook.page

    def show(self) -> None:
        if not self.page.locator("#mixpeek-lab-sidebar").is_visible():
            self.page.locator('li.lm-TabBar-tab[data-id="mixpeek-lab-sidebar"]').click()
        self.page.locator("#mixpeek-lab-sidebar").wait_for()

    def open(self, *titles: str) -> None:
        """Open these sections, or all."""
        for title in titles or SECTIONS:
            section = self.page.locator(f"#mxl-section-{title.lower()}")
            section.wait_for(timeout=30_000)
            if section.get_attribute("aria-expanded") == "false":
                section.locator(".mxl-heading").click()
            self.page.locator(f"#mxl-section-{title.lower()}[aria-expanded=true]").wait_for()

    def item(self, section: str, name: str):
        """The line of an item, found by the beginning of what it is called."""
        return self.page.locator(f"#mxl-section-{section} .mxl-item[aria-label^='{name}']").first

    def line(self, section: str, name: str):
        return self.item(section, name).locator(".mxl-line").first

    def has(self, section: str, name: str, text: str) -> None:
        """Wait until the line of an item says something."""
        row = self.item(section, name).locator(".mxl-row").first
        row.filter(has_text=text).wait_for(timeout=20_000)

    def expand(self, section: str, name: str) -> None:
        if self.item(section, name).get_attribute("aria-expanded") == "false":
            self.line(section, name).click()
        self.page.wait_for_function(
            "(node) => node.getAttribute('aria-expanded') === 'true'",
            arg=self.item(section, name).element_handle(),
        )

    def act(self, section: str, name: str, label: str) -> None:
        """Choose an action of an item's menu."""
        self.line(section, name).click(button="right")
        menu = self.page.locator(".mxl-menu").first
        menu.wait_for()
        menu.locator(".lm-Menu-itemLabel").get_by_text(label, exact=True).click()
        menu.wait_for(state="detached")

    def press(self, section: str, name: str, label: str, **options) -> None:
        """Press a button beside an item."""
        row = self.item(section, name).locator(".mxl-row").first
        row.hover()
        row.get_by_label(f"{label}: ").click(**options)

    def cell(self) -> str:
        """The text of the active cell."""
        return self.page.evaluate(CELL)

    def wait_for_cell(self, text: str) -> None:
        self.page.wait_for_function(f"(text) => ({CELL})() === text", arg=text, timeout=20_000)

    def empty_cell(self) -> None:
        """Leave the active cell empty: the next action writes into it."""
        self.page.locator(".jp-CodeCell.jp-mod-active .cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.wait_for_cell("")

    def dialog(self, text: str = ""):
        found = self.page.locator(".jp-Dialog").filter(has_text=text)
        found.wait_for(timeout=20_000)
        return found

    def close_dialog(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.locator(".jp-Dialog").wait_for(state="detached")
