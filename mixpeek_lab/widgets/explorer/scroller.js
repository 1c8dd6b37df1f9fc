// Which rows are in sight. Browsers lay out no element higher than some 17 million pixels, so a table
// that would be higher is scrolled in a shorter one, and its rows are moved to where they belong.

const MOST_PIXELS = 8_000_000;

/**
 * `grid` scrolls, `body` has the height of all rows (or the most there may be), `head` covers the top.
 * `onScroll()` is called before each paint that a movement needs.
 */
export function makeScroller(grid, body, head, rowHeight, onScroll) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let count = 0;
  let top = 0; // of all rows as if they were laid out, in pixels
  let goal = null;
  let expected = 0;
  let frame = null;

  const covered = () => head.offsetHeight;
  const seen = () => Math.max(rowHeight, grid.clientHeight - covered());
  const lowest = () => Math.max(0, count * rowHeight - seen());
  const isShortened = () => count * rowHeight > MOST_PIXELS;
  const lowestPixel = () => Math.max(1, Math.min(count * rowHeight, MOST_PIXELS) - seen());
  const pixelOf = (place) => (isShortened() ? (place / lowest()) * lowestPixel() : place);

  function setCount(next) {
    count = next;
    body.style.height = `${Math.min(count * rowHeight, MOST_PIXELS)}px`;
    moveTo(Math.min(top, lowest()));
  }

  function moveTo(place) {
    top = Math.max(0, Math.min(place, lowest()));
    grid.scrollTop = pixelOf(top);
    expected = grid.scrollTop;
    schedule();
  }

  function schedule() {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      glide();
      onScroll();
    });
  }

  /** Towards where the wheel wants to be, a third of the way each frame. */
  function glide() {
    if (goal === null) return;
    const rest = goal - top;
    const isThere = Math.abs(rest) < 1 || isStill;
    const next = isThere ? goal : top + rest * 0.35;
    if (isThere) goal = null;
    moveTo(next);
  }

  grid.addEventListener("scroll", () => {
    const pixel = grid.scrollTop;
    if (!isShortened()) top = pixel;
    else if (Math.abs(pixel - expected) > 1.5) {
      goal = null; // the scrollbar itself was moved
      top = (pixel / lowestPixel()) * lowest();
    }
    expected = pixel;
    schedule();
  });

  grid.addEventListener("wheel", (event) => {
    if (!isShortened() || event.ctrlKey || event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
    const unit = event.deltaMode === 1 ? rowHeight : event.deltaMode === 2 ? seen() : 1;
    const wanted = Math.max(0, Math.min((goal ?? top) + event.deltaY * unit, lowest()));
    if (wanted === top && goal === null) return; // at the end: the page scrolls on
    event.preventDefault();
    goal = wanted;
    schedule();
  }, { passive: false });

  return {
    setCount,
    schedule,
    /** Its size changed. A notebook takes cells out of the page and puts them back, scrolled to the top. */
    settle() {
      if (!grid.clientHeight) return;
      if (Math.abs(grid.scrollTop - expected) > 1.5) moveTo(top);
      schedule();
    },
    moveTo,
    get top() { return top; },
    /** The first and the last row that can be seen, even in part. */
    range() {
      const first = Math.floor(top / rowHeight);
      return [first, Math.min(count - 1, Math.ceil((top + seen()) / rowHeight) - 1)];
    },
    /** Where a row lies in `body`, in pixels. */
    pixelOfRow: (row) => (isShortened() ? grid.scrollTop + row * rowHeight - top : row * rowHeight),
    rowsInSight: () => Math.max(1, Math.floor(seen() / rowHeight)),
    /** Move as little as shows the whole row. */
    reveal(row) {
      goal = null;
      if (row * rowHeight < top) moveTo(row * rowHeight);
      else if ((row + 1) * rowHeight > top + seen()) moveTo((row + 1) * rowHeight - seen());
    },
  };
}
