// The page: one clock moves the film, the body and all curves.
const $ = (id) => document.getElementById(id);
const scene = JSON.parse($("scene").textContent);
const bytes = (name) => Uint8Array.from(atob($(`lump-${name}`).textContent), (c) => c.charCodeAt(0));
const unpack = (name) => new Response(new Blob([bytes(name)]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
const sign = (text) => String(text).replace("-", "−");

const numbers = await unpack("numbers");
const times = new Float64Array(numbers, scene.times.at, scene.times.count);
const series = ({ at, count, step }) => Float32Array.from(new Int16Array(numbers, at, count), (v) => (v === -32768 ? NaN : v * step));
const start = times[0], end = Math.max(times.at(-1), start + 1e-3);
const state = { time: start, from: start, to: end, playing: false };

// --- curves
const sides = { r: "right", l: "left" };
const marks = scene.strides.map(([side, strike]) => [sides[side], strike]);
const charts = new Map(), waiting = new Set();
function makeChart(figure) {
  const box = figure.querySelector(".plot"), name = figure.dataset.name;
  if (figure.dataset.kind === "cycle") {
    const curves = scene.cycles[name].map((c) => ({ ...c, smooth: c.mean }));
    const chart = new Chart(box, { x: curves[0].mean.map((_, i) => i), curves, unit: "%" });
    figure.querySelector(".values").textContent = curves.map((c) => `${c.count} ${c.side}`).join(", ");
    chart.show(0, 100);
    return;
  }
  const curves = scene.charts[name].map((c) => ({ side: c.side, smooth: series(c.smooth), raw: series(c.raw), sd: c.sd && series(c.sd) }));
  const chart = new Chart(box, { x: times, curves, unit: "s", gaps: scene.gaps, marks: name.match(/^(hip|knee|ankle)/) ? marks : [] });
  chart.values = figure.querySelector(".values");
  charts.set(figure, chart);
  chart.show(state.from, state.to);
  follow(chart);
  const scrub = (event) => { if (event.buttons || event.type === "pointerdown") { pause(); seek(chart.valueAt(event.clientX)); } };
  box.addEventListener("pointerdown", scrub);
  box.addEventListener("pointermove", scrub);
}
function nearest(time) {
  let low = 0, high = times.length - 1;
  while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] <= time) low = middle; else high = middle; }
  return times[high] - time < time - times[low] ? high : low;
}
function follow(chart) {
  chart.moveTo(state.time);
  const row = nearest(state.time);
  chart.values.replaceChildren(...chart.curves.map(({ side, smooth, sd }) => {
    const span = document.createElement("span");
    span.className = side;
    span.textContent = Number.isNaN(smooth[row]) ? "not seen"
      : `${sign(smooth[row].toFixed(1))}°${sd && !Number.isNaN(sd[row]) ? ` ± ${sd[row].toFixed(1)}` : ""}`;
    return span;
  }));
}
// A chart is drawn when it is about to be seen, and moves only while it is.
const seen = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) seen.add(target); else seen.delete(target);
    if (isIntersecting && waiting.delete(target)) makeChart(target);
    else if (isIntersecting && charts.has(target)) follow(charts.get(target));
  }
}, { rootMargin: "300px" });
document.querySelectorAll(".chart").forEach((figure) => { waiting.add(figure); watcher.observe(figure); });
function makeAll() {
  for (const figure of waiting) if (figure.dataset.kind === "cycle" || figure.closest("details").open) { waiting.delete(figure); makeChart(figure); }
}
function showSpan(from, to) {
  const length = Math.min(end - start, Math.max(0.1, to - from));
  state.from = Math.min(Math.max(start, from), end - length);
  state.to = state.from + length;
  charts.forEach((chart) => { chart.show(state.from, state.to); follow(chart); });
}
const zoom = (factor) => { const half = ((state.to - state.from) * factor) / 2; showSpan(state.time - half, state.time + half); };
$("closer").onclick = () => zoom(0.5);
$("farther").onclick = () => zoom(2);
$("whole").onclick = () => showSpan(start, end);
document.querySelectorAll("[data-hide]").forEach((box) => {
  box.onchange = () => document.body.classList.toggle(`no-${box.dataset.hide}`, !box.checked);
});

// --- film
const video = $("video");
let film = null;
if (scene.film) {
  video.src = scene.film.inside ? URL.createObjectURL(new Blob([bytes("film")], { type: "video/mp4" })) : scene.film.link;
  $("film").hidden = false;
  film = video;
  video.onerror = () => { film = null; $("film").hidden = true; };
}
document.querySelectorAll(".key").forEach((key) => { key.onclick = () => { pause(); seek(start + +key.dataset.time); }; });

// --- body
let viewer = null;
const canvas = $("canvas");
try {
  if (!$("lump-body").textContent) throw new Error("there is no body to show");
  viewer = new Viewer(canvas, await unpack("body"));
  for (const name of ["skin", "bones"]) $(name).onchange = () => { viewer.hidden[$(name).checked ? "delete" : "add"](name); viewer.show(); };
  document.querySelectorAll("[data-view]").forEach((button) => {
    button.onclick = () => { viewer.yaw = (+button.dataset.view * Math.PI) / 180; viewer.pitch = 0.05; viewer.show(); };
  });
  const turn = (dx, dy) => { viewer.yaw -= dx; viewer.pitch = Math.min(1.5, Math.max(-0.4, viewer.pitch + dy)); viewer.show(); };
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) turn(event.movementX / 120, event.movementY / 120); });
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas) return; // the page scrolls until the body is clicked
    event.preventDefault();
    viewer.far = Math.min(9, Math.max(1, viewer.far * Math.exp(event.deltaY / 800)));
    viewer.show();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (step) { event.preventDefault(); event.stopPropagation(); turn(...step); }
  });
  new ResizeObserver(() => viewer.show()).observe(canvas);
} catch (error) {
  canvas.hidden = true;
  canvas.insertAdjacentText("afterend", `No 3D view: ${error.message}.`);
}

// --- clock
function moveAll() {
  $("clock").textContent = `${sign(state.time.toFixed(2))} s`;
  $("slider").value = (1000 * (state.time - start)) / (end - start);
  seen.forEach((figure) => { if (charts.has(figure)) follow(charts.get(figure)); });
  if (!viewer) return;
  viewer.absent = scene.gaps.some(([a, b]) => state.time > a && state.time < b);
  viewer.show(state.time - scene.bodyStart);
}
function seek(time) {
  state.time = Math.min(end, Math.max(start, time));
  // The middle of a picture's time is safely that picture.
  if (film) film.currentTime = Math.max(0, times[nearest(state.time)] - start) + 1e-3;
  moveAll();
}
function pause() {
  state.playing = false;
  $("play").textContent = "▶";
  film?.pause();
}
async function play() {
  if (state.time >= end - 1e-3) seek(start);
  state.playing = true;
  $("play").textContent = "❚❚";
  const speed = +$("speed").value;
  if (film) { film.playbackRate = speed; await film.play(); }
  let before = performance.now();
  const tick = (now) => {
    if (!state.playing) return;
    state.time = film ? start + film.currentTime : state.time + (speed * (now - before)) / 1000;
    before = now;
    if (state.time >= end - 1e-3 || film?.ended) { state.time = Math.min(state.time, end); pause(); }
    moveAll();
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}
$("play").onclick = () => (state.playing ? pause() : play());
$("speed").onchange = () => { if (film) film.playbackRate = +$("speed").value; };
$("slider").oninput = () => { pause(); seek(start + ($("slider").value / 1000) * (end - start)); };
document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
  event.preventDefault();
  pause();
  seek(times[Math.min(times.length - 1, Math.max(0, nearest(state.time) + step))]);
});
window.addEventListener("resize", () => showSpan(state.from, state.to));
window.addEventListener("beforeprint", makeAll);
$("print").onclick = () => { makeAll(); window.print(); };
// A printing browser takes the page as soon as it is loaded.
if (navigator.webdriver === false && matchMedia("print").matches) makeAll();
moveAll();
document.body.dataset.ready = "yes";
