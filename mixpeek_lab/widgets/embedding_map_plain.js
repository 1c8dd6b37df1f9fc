// Points on a plain canvas, where there is no WebGL: a sample of them, as small squares.
import { pointLook, toScreen } from "./embedding_map_geometry.js";

const MOST_PLAIN = 30000;

/** A painter with the interface of the WebGL one. */
export function makePlainPainter(canvas) {
  const context = canvas.getContext("2d");
  const held = { xy: new Float32Array(0), codes: new Uint8Array(0), marks: new Uint8Array(0), inks: [] };
  return {
    kind: "plain",
    most: MOST_PLAIN,
    setPoints: (xy) => Object.assign(held, { xy }),
    setCodes: (codes) => Object.assign(held, { codes }),
    setMarks: (marks) => Object.assign(held, { marks }),
    setPalette(rgba) {
      held.inks = Array.from({ length: 256 }, (_, code) => {
        const [red, green, blue, alpha] = rgba.subarray(4 * code, 4 * code + 4);
        return alpha ? `rgb(${red} ${green} ${blue})` : null;
      });
    },
    draw(view, size, most, isDimmed) {
      const count = Math.min(held.xy.length / 2, most, MOST_PLAIN);
      const side = Math.max(2, pointLook(count, view.zoom).size * 0.85);
      context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
      context.clearRect(0, 0, size.width, size.height);
      for (let i = 0; i < count; i += 1) {
        const ink = held.inks[held.codes[i]];
        const [px, py] = toScreen(view, size, held.xy[2 * i], held.xy[2 * i + 1]);
        if (!ink || px < -side || py < -side || px > size.width + side || py > size.height + side) continue;
        context.globalAlpha = isDimmed && !held.marks[i] ? 0.3 : 0.85;
        context.fillStyle = ink;
        context.fillRect(px - side / 2, py - side / 2, side, side);
      }
    },
    dispose: () => undefined,
  };
}
