// Points by WebGL: one draw call over buffers of positions, colour codes and marks.
import { pointLook, unitPixels } from "./embedding_map_geometry.js";

const VERTEX = `
attribute vec2 place;
attribute float code;
attribute float mark;
uniform vec2 middle;
uniform vec2 scale;
uniform float size;
uniform float alpha;
uniform float dimmed;
uniform sampler2D palette;
varying vec4 ink;
varying float soft;
void main() {
  vec4 colour = texture2D(palette, vec2((code + 0.5) / 256.0, 0.5));
  bool isLit = dimmed < 0.5 || mark > 0.5;
  gl_Position = colour.a < 0.01 ? vec4(9.0, 9.0, 9.0, 1.0) : vec4((place - middle) * scale, 0.0, 1.0);
  gl_PointSize = isLit ? size : max(1.5, size * 0.7);
  float opacity = isLit ? alpha : alpha * 0.3;
  ink = vec4(colour.rgb * opacity, opacity);
  soft = size > 2.6 ? 1.0 : 0.0;
}`;

const FRAGMENT = `
precision mediump float;
varying vec4 ink;
varying float soft;
void main() {
  float edge = soft > 0.5 ? 1.0 - smoothstep(0.38, 0.5, length(gl_PointCoord - 0.5)) : 1.0;
  if (edge <= 0.0) discard;
  gl_FragColor = ink * edge;
}`;

/** A painter on `canvas`; null where there is no WebGL. `onLost()` when the browser takes it. */
export function makeGlPainter(canvas, onLost) {
  const options = { alpha: true, antialias: false, premultipliedAlpha: true, depth: false };
  const gl = canvas.getContext("webgl2", options) ?? canvas.getContext("webgl", options);
  if (!gl || gl.getParameter(gl.MAX_VERTEX_TEXTURE_IMAGE_UNITS) < 1) return null;
  const program = linked(gl);
  if (!program) return null;
  const lost = (event) => {
    event.preventDefault();
    onLost();
  };
  canvas.addEventListener("webglcontextlost", lost);
  gl.useProgram(program);
  const at = (name) => gl.getUniformLocation(program, name);
  const uniforms = { middle: at("middle"), scale: at("scale"), size: at("size"), alpha: at("alpha"), dimmed: at("dimmed") };
  const buffers = {};
  let count = 0;
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);

  function fill(name, values, parts, type) {
    buffers[name] ??= gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    const location = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, parts, type, false, 0, 0);
  }

  return {
    kind: "webgl",
    most: Infinity,
    setPoints(xy) {
      count = xy.length / 2;
      fill("place", xy, 2, gl.FLOAT);
    },
    setCodes: (codes) => fill("code", codes, 1, gl.UNSIGNED_BYTE),
    setMarks: (marks) => fill("mark", marks, 1, gl.UNSIGNED_BYTE),
    setPalette: (rgba) => gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, rgba),
    /** Draws the first `most` points; `isDimmed`: the marked ones stand out. */
    draw(view, size, most, isDimmed) {
      const look = pointLook(count, view.zoom);
      const unit = unitPixels(view, size);
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      if (!count) return;
      gl.uniform2f(uniforms.middle, view.x, view.y);
      gl.uniform2f(uniforms.scale, (2 * unit) / size.width, (2 * unit) / size.height);
      gl.uniform1f(uniforms.size, look.size * size.ratio);
      gl.uniform1f(uniforms.alpha, look.alpha);
      gl.uniform1f(uniforms.dimmed, isDimmed ? 1 : 0);
      gl.drawArrays(gl.POINTS, 0, Math.min(count, most));
    },
    dispose() {
      canvas.removeEventListener("webglcontextlost", lost);
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}

function linked(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}
