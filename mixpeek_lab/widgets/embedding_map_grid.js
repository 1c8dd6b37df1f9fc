// Which point is near: a grid of cells over the points, each cell's points side by side.

/** An index over `xy` (flat pairs), built in linear time. Points far out stand in border cells. */
export function buildGrid(xy) {
  const count = xy.length / 2;
  const side = Math.max(1, Math.min(1024, Math.round(Math.sqrt(count / 3))));
  const starts = new Uint32Array(side * side + 1);
  for (let i = 0; i < count; i += 1) starts[cellOf(side, xy[2 * i], xy[2 * i + 1]) + 1] += 1;
  for (let cell = 0; cell < side * side; cell += 1) starts[cell + 1] += starts[cell];
  const filled = starts.slice(0, side * side);
  const points = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) {
    const cell = cellOf(side, xy[2 * i], xy[2 * i + 1]);
    points[filled[cell]] = i;
    filled[cell] += 1;
  }
  return { xy, side, starts, points };
}

const column = (side, value) => Math.min(side - 1, Math.max(0, Math.floor(((value + 1) / 2) * side)));

function cellOf(side, x, y) {
  return column(side, y) * side + column(side, x);
}

/** The nearest point within `radius` of (x, y) for which `isShown`; -1 where there is none. */
export function nearestPoint(grid, x, y, radius, isShown) {
  const { xy, side, starts, points } = grid;
  let best = -1;
  let least = radius * radius;
  for (let row = column(side, y - radius); row <= column(side, y + radius); row += 1) {
    for (let at = column(side, x - radius); at <= column(side, x + radius); at += 1) {
      const cell = row * side + at;
      for (let slot = starts[cell]; slot < starts[cell + 1]; slot += 1) {
        const i = points[slot];
        const distance = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
        if (distance <= least && isShown(i)) {
          best = i;
          least = distance;
        }
      }
    }
  }
  return best;
}

/** The next point from point `from` into a direction (dx, dy), within a quarter turn; -1 if none. */
export function nextPoint(xy, from, dx, dy, isShown) {
  const [x, y] = [xy[2 * from], xy[2 * from + 1]];
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < xy.length / 2; i += 1) {
    const [along, across] = [(xy[2 * i] - x) * dx + (xy[2 * i + 1] - y) * dy, (xy[2 * i] - x) * dy - (xy[2 * i + 1] - y) * dx];
    if (along <= 1e-7 || Math.abs(across) > along) continue;
    const distance = along * along + 4 * across * across;
    if (distance < least && i !== from && isShown(i)) {
      best = i;
      least = distance;
    }
  }
  return best;
}
