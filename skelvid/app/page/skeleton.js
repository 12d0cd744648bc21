// Points in metres (forward, up, right) in; a skeleton that can be turned, on a canvas, out.
import { color, fitted } from "./canvas.js";

const TILT = 0.16, TURN = 0.6, TILE_M = 0.5, TILES = 3;

export class Skeleton {
  constructor(canvas, about) {
    this.canvas = canvas;
    this.about = about;
    this.yaw = TURN;
    this.points = null;
    let from = null;
    canvas.addEventListener("pointerdown", (event) => { from = event.clientX; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      if (from === null) return;
      this.turn((event.clientX - from) / 120);
      from = event.clientX;
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { from = null; });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -0.15, ArrowRight: 0.15 }[event.key];
      if (by) { this.turn(by); event.preventDefault(); }
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  turn(by) { this.yaw += by; this.draw(); }

  // `points`: 3 numbers for each, or null where nobody is seen.
  show(points) { this.points = points && Number.isFinite(points[0]) ? points : null; this.draw(); }

  draw() {
    const { context, width, height } = fitted(this.canvas);
    const points = this.points;
    const center = points ? [points[0], points[2]] : [0, 0];
    let floor = -0.95;
    if (points) { floor = Infinity; for (let i = 1; i < points.length; i += 3) floor = Math.min(floor, points[i]); }
    const scale = Math.min(height / 2.5, width / 1.9), sin = Math.sin(this.yaw), cos = Math.cos(this.yaw);
    const place = (forward, up, right) => {
      const f = forward - center[0], r = right - center[1];
      const near = f * cos + r * sin, high = up - floor - 0.95;
      const size = scale / (1 - 0.12 * near);
      return [width / 2 + (f * sin - r * cos) * size, height / 2 - (high * Math.cos(TILT) - near * Math.sin(TILT)) * size, near, size];
    };
    this.drawFloor(context, place, center, floor);
    if (!points) {
      context.fillStyle = color("--soft");
      context.textAlign = "center";
      context.fillText("nobody in view", width / 2, height / 2);
      return;
    }
    const at = [];
    for (let i = 0; i < points.length; i += 3) at.push(place(points[i], points[i + 1], points[i + 2]));
    const bones = this.about.ends.map(([a, b], i) => ({ a: at[a], b: at[b], side: this.about.sides[i] }));
    bones.sort((one, other) => one.a[2] + one.b[2] - other.a[2] - other.b[2]);
    context.lineCap = "round";
    for (const { a, b, side } of bones) {
      context.strokeStyle = color(`--${side}`);
      context.lineWidth = 0.03 * (a[3] + b[3]) / 2;
      context.beginPath();
      context.moveTo(a[0], a[1]);
      context.lineTo(b[0], b[1]);
      context.stroke();
    }
  }

  drawFloor(context, place, center, floor) {
    context.strokeStyle = color("--line");
    context.lineWidth = 1;
    context.beginPath();
    const first = center.map((value) => Math.round(value / TILE_M - TILES / 2));
    const line = (from, to) => {
      const [x0, y0] = place(from[0] * TILE_M, floor, from[1] * TILE_M), [x1, y1] = place(to[0] * TILE_M, floor, to[1] * TILE_M);
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
    };
    for (let i = 0; i <= TILES; i++) {
      line([first[0] + i, first[1]], [first[0] + i, first[1] + TILES]);
      line([first[0], first[1] + i], [first[0] + TILES, first[1] + i]);
    }
    context.stroke();
  }
}
