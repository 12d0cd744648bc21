// Rows of angles in; a chart for each chosen angle, right and left together, out.
import { color, fitted } from "./canvas.js";

const WINDOW_S = 8, LEFT = 34, FOOT = 16, LEAST = 40;
const SIDES = [["_r", "right", "R"], ["_l", "left", "L"], ["", "middle", ""]];

export class Curves {
  constructor(place, choice, about) {
    this.place = place;
    this.about = about;
    this.rows = [];
    this.live = true;
    this.cursor = null;
    this.onpick = null;
    this.charts = new Map();
    const names = [...new Set(about.angles.map((angle) => angle.name.replace(/_[rl]$/, "")))];
    for (const name of names) {
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: about.shown.includes(name) });
      const label = document.createElement("label");
      label.append(box, " ", name.replaceAll("_", " "));
      box.addEventListener("change", () => { box.checked ? this.add(name) : this.drop(name); this.draw(); });
      choice.append(label);
    }
    for (const name of about.shown) this.add(name);
    new ResizeObserver(() => this.draw()).observe(place);
  }

  add(name) {
    const curves = [];
    for (const [suffix, side, letter] of SIDES) {
      const index = this.about.angles.findIndex((angle) => angle.name === name + suffix);
      if (index >= 0) curves.push({ index: index + 1, side, letter });
    }
    const angle = this.about.angles[curves[0].index - 1];
    const chart = document.createElement("div");
    chart.className = "chart";
    const title = document.createElement("h3"), values = document.createElement("span"), note = document.createElement("p");
    values.className = "values";
    for (const curve of curves) {
      curve.value = Object.assign(document.createElement("span"), { className: curve.side, textContent: "–" });
      values.append(curve.value);
    }
    title.append(name.replaceAll("_", " "), values);
    note.textContent = `degrees; + is ${angle.plus}; 0: ${angle.zero}`;
    const canvas = Object.assign(document.createElement("canvas"), { role: "img", ariaLabel: `${name} over time` });
    canvas.addEventListener("pointerdown", (event) => this.pick(canvas, event));
    canvas.addEventListener("pointermove", (event) => { if (event.buttons) this.pick(canvas, event); });
    chart.append(title, canvas, note);
    this.place.append(chart);
    this.charts.set(name, { chart, canvas, curves, low: -10, high: LEAST - 10 });
  }

  drop(name) { this.charts.get(name).chart.remove(); this.charts.delete(name); }

  clear() {
    this.rows = [];
    this.cursor = null;
    this.live = true;
    for (const chart of this.charts.values()) Object.assign(chart, { low: -10, high: LEAST - 10 });
    this.draw();
  }

  push(row) {
    this.rows.push(row);
    while (row[0] - this.rows[0][0] > 1.2 * WINDOW_S) this.rows.shift();
    this.draw();
  }

  // Show a whole film; `cursor` is a row's number.
  show(rows) { this.clear(); this.rows = rows; this.live = false; this.move(0); }

  move(cursor) { this.cursor = cursor; this.draw(); }

  pick(canvas, event) {
    if (this.live || !this.onpick || !this.rows.length) return;
    const share = (event.offsetX - LEFT) / (canvas.clientWidth - LEFT), [start, end] = this.span();
    const time = start + share * (end - start);
    const after = this.rows.findIndex((row) => row[0] >= time);
    this.onpick(after < 0 ? this.rows.length - 1 : after);
  }

  span() {
    const last = this.rows.at(-1)[0];
    return this.live ? [last - WINDOW_S, last] : [this.rows[0][0], Math.max(last, this.rows[0][0] + 0.1)];
  }

  draw() {
    cancelAnimationFrame(this.asked);
    this.asked = requestAnimationFrame(() => { for (const chart of this.charts.values()) this.drawChart(chart); });
  }

  drawChart(chart) {
    const { context, width, height } = fitted(chart.canvas);
    const rows = this.rows, bottom = height - FOOT;
    const present = this.live ? rows.at(-1) : rows[this.cursor];
    for (const { index, letter, value } of chart.curves) {
      value.textContent = `${letter} ${present && Number.isFinite(present[index]) ? Math.round(present[index]) + "°" : "–"}`;
    }
    const stride = Math.max(1, Math.floor(rows.length / (2 * width)));
    for (const row of rows) for (const { index } of chart.curves) {
      // Only ever wider, so that curves do not jump about; noise should look like noise, so never very narrow.
      if (row[index] < chart.low) chart.low = row[index] - 5;
      if (row[index] > chart.high) chart.high = row[index] + 5;
    }
    const y = (value) => bottom - (value - chart.low) / (chart.high - chart.low) * (bottom - 8);
    this.drawGrid(context, chart, y, width);
    if (!rows.length) return;
    const [start, end] = this.span();
    const x = (time) => LEFT + (time - start) / (end - start) * (width - LEFT);
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT, height);
    context.clip();
    context.lineWidth = 2;
    context.lineJoin = "round";
    for (const { index, side } of chart.curves) {
      context.strokeStyle = color(`--${side}`);
      context.setLineDash(side === "left" ? [7, 3] : []);
      context.beginPath();
      let before = NaN;
      for (let i = 0; i < rows.length; i += stride) {
        const value = rows[i][index];
        // No line through a gap, nor where somebody turns past 180 degrees and the angle goes on at -180.
        if (Number.isFinite(value)) Math.abs(value - before) < 180 ? context.lineTo(x(rows[i][0]), y(value)) : context.moveTo(x(rows[i][0]), y(value));
        before = value;
      }
      context.stroke();
    }
    context.restore();
    if (!this.live && present) {
      context.strokeStyle = color("--ink");
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x(present[0]), 0);
      context.lineTo(x(present[0]), bottom);
      context.stroke();
    }
    context.fillStyle = color("--soft");
    context.textAlign = "left";
    context.fillText(this.live ? `last ${WINDOW_S} s` : `${start.toFixed(1)} s`, LEFT, height - 3);
    context.textAlign = "right";
    context.fillText(this.live ? "now" : `${end.toFixed(1)} s`, width, height - 3);
  }

  drawGrid(context, chart, y, width) {
    const rough = (chart.high - chart.low) / 3, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [5, 2, 1].find((factor) => factor * power <= rough);
    context.strokeStyle = color("--line");
    context.fillStyle = color("--soft");
    context.textAlign = "right";
    context.lineWidth = 1;
    for (let value = Math.ceil(chart.low / step) * step; value <= chart.high; value += step) {
      context.beginPath();
      context.moveTo(LEFT, y(value));
      context.lineTo(width, y(value));
      context.stroke();
      context.fillText(String(Math.round(value)), LEFT - 5, y(value) + 4);
    }
  }
}
