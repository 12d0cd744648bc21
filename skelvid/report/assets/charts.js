// Curves over time, or over the gait cycle, drawn as SVG.
const HEIGHT = 190, LEFT = 40, RIGHT = 8, TOP = 8, BOTTOM = 22, MOST_POINTS = 900;

function draw(parent, name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

// Round numbers between two values, about as many as wanted.
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(+(i * step).toFixed(6));
  return found;
}

// Indexes that show a series between two of its places: where there are too many, the least and the greatest of each lot.
function shown(values, first, last) {
  const lot = Math.max(1, Math.floor((2 * (last - first)) / MOST_POINTS)), found = [];
  for (let i = first; i < last; i += lot) {
    let low = i, high = i;
    for (let k = i; k < Math.min(i + lot, last); k++) {
      if (!(values[k] >= values[low])) low = k;
      if (!(values[k] <= values[high])) high = k;
    }
    found.push(Math.min(low, high));
    if (low !== high) found.push(Math.max(low, high));
  }
  return found;
}

// A path through the points of these indexes that breaks where a value is missing.
function path(indexes, x, y) {
  let d = "", pen = "M";
  for (const i of indexes) {
    const height = y(i);
    if (Number.isNaN(height)) { pen = "M"; continue; }
    d += `${pen}${x(i).toFixed(1)} ${height.toFixed(1)}`;
    pen = "L";
  }
  return d;
}

// The area between two heights, a piece for each stretch without missing values.
function area(indexes, x, upper, lower) {
  const pieces = [[]];
  for (const i of indexes) {
    if (Number.isNaN(upper(i) + lower(i))) { if (pieces.at(-1).length) pieces.push([]); } else pieces.at(-1).push(i);
  }
  return pieces.filter((piece) => piece.length > 1).map((piece) =>
    `${path(piece, x, upper)}${path(piece.reverse(), x, lower).replace("M", "L")}Z`).join("");
}

// x: where values are; curves: [{side, smooth, raw?, sd?, toeOff?}]; unit: of x; gaps: [[from, to]]; marks: [[side, at]].
class Chart {
  constructor(box, { x, curves, unit, gaps = [], marks = [] }) {
    Object.assign(this, { box, x, curves, unit, gaps, marks });
    let low = Infinity, high = -Infinity;
    for (const { smooth, raw, sd } of curves) {
      for (let i = 0; i < smooth.length; i++) {
        const spread = sd?.[i] || 0;
        for (const value of [smooth[i] - spread, smooth[i] + spread, raw?.[i] ?? smooth[i]]) {
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
    }
    if (low > high) low = high = 0;
    const air = Math.max(0.05 * (high - low), (20 - (high - low)) / 2); // noise should look like noise
    this.low = low - air;
    this.high = high + air;
  }

  get width() { return this.size - LEFT - RIGHT; }
  toX(value) { return LEFT + ((value - this.from) / (this.to - this.from)) * this.width; }
  toY(value) { return TOP + ((this.high - value) / (this.high - this.low)) * (HEIGHT - TOP - BOTTOM); }
  valueAt(clientX) {
    const { left, width } = this.box.getBoundingClientRect();
    const share = (((clientX - left) / width) * this.size - LEFT) / this.width;
    return this.from + Math.min(1, Math.max(0, share)) * (this.to - this.from);
  }

  show(from, to) {
    Object.assign(this, { from, to, size: Math.max(this.box.clientWidth, 260) });
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `0 0 ${this.size} ${HEIGHT}`);
    this.drawAxes(svg);
    const clip = `clip-${this.box.parentElement.id}`;
    draw(draw(svg, "clipPath", { id: clip }), "rect", { x: LEFT, y: 0, width: this.width, height: HEIGHT - BOTTOM });
    const inner = draw(svg, "g", { "clip-path": `url(#${clip})` });
    const first = Math.max(0, this.x.findIndex((v) => v >= from) - 1);
    const end = this.x.findLastIndex((v) => v <= to) + 2;
    // Layer by layer, so that the band of one side does not cover the curve of the other.
    const last = Math.min(end, this.x.length), x = (i) => this.toX(this.x[i]);
    for (const { side, smooth, sd } of this.curves) {
      if (!sd) continue;
      const d = area(shown(smooth, first, last), x, (i) => this.toY(smooth[i] + sd[i]), (i) => this.toY(smooth[i] - sd[i]));
      draw(inner, "path", { class: `band ${side}`, d });
    }
    for (const kind of ["raw", "smooth"]) {
      for (const curve of this.curves) {
        const values = curve[kind];
        if (values) draw(inner, "path", { class: `${kind === "raw" ? "raw" : "curve"} ${curve.side}`, d: path(shown(values, first, last), x, (i) => this.toY(values[i])) });
      }
    }
    for (const { side, toeOff } of this.curves) {
      if (toeOff) draw(inner, "line", { class: `off ${side}`, x1: this.toX(toeOff), x2: this.toX(toeOff), y1: TOP, y2: HEIGHT - BOTTOM });
    }
    for (const [side, at] of this.marks) {
      const px = this.toX(at), foot = HEIGHT - BOTTOM;
      draw(inner, "path", { class: `mark ${side}`, d: `M${px - 4} ${foot}L${px + 4} ${foot}L${px} ${foot - 8}Z` });
    }
    this.cursor = draw(inner, "line", { class: "cursor", y1: 0, y2: HEIGHT, visibility: "hidden" });
    this.box.replaceChildren(svg);
  }

  drawAxes(svg) {
    for (const [a, b] of this.gaps) {
      const left = Math.max(this.toX(a), LEFT), right = Math.min(this.toX(b), this.size - RIGHT);
      if (right > left) draw(svg, "rect", { class: "gap", x: left, y: TOP, width: right - left, height: HEIGHT - TOP - BOTTOM });
    }
    for (const value of ticks(this.low, this.high, 4)) {
      draw(svg, "line", { class: value ? "grid" : "zero", x1: LEFT, x2: this.size - RIGHT, y1: this.toY(value), y2: this.toY(value) });
      draw(svg, "text", { x: LEFT - 6, y: this.toY(value) + 4, "text-anchor": "end" }, `${value}°`.replace("-", "−"));
    }
    for (const value of ticks(this.from, this.to, this.width / 80)) {
      draw(svg, "text", { x: this.toX(value), y: HEIGHT - 6, "text-anchor": "middle" }, `${value} ${this.unit}`);
    }
  }

  moveTo(at) {
    if (!this.cursor) return;
    const inside = at >= this.from && at <= this.to;
    this.cursor.setAttribute("visibility", inside ? "visible" : "hidden");
    if (inside) this.cursor.setAttribute("transform", `translate(${this.toX(at).toFixed(1)} 0)`);
  }
}
