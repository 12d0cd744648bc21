// Joins the parts of the page.
import { CameraLive } from "./camera.js";
import { color } from "./canvas.js";
import { Curves } from "./curves.js";
import { about as ask, finished, remove, rowsOf, upload } from "./film.js";
import { Skeleton } from "./skeleton.js";

const at = (id) => document.getElementById(id);
const about = await ask();
const first = 1 + about.angles.length, count = 3 * about.points;
const skeleton = new Skeleton(at("skeleton"), about), curves = new Curves(at("charts"), at("angles"), about);
const film = { rows: [], job: null, playing: false };
let camera = null;
at("about").textContent = `skelvid ${about.version}. ${about.notMedical[0].toUpperCase()}${about.notMedical.slice(1)}.`;
skeleton.draw();

function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

function busy(share) {
  at("progress").hidden = share === undefined;
  if (share === null || share === undefined) at("progress").removeAttribute("value");
  else at("progress").value = share;
}

function settings() {
  return Object.fromEntries(Object.entries({
    "motion.height_m": at("height").value, "motion.activity": at("activity").value, "motion.refine": at("fast").checked ? "false" : "",
  }).filter(([, value]) => value));
}

function fresh() {
  film.playing = false;
  film.rows = [];
  at("overlay").pause();
  at("overlay").removeAttribute("src");
  for (const id of ["results", "cursor-row", "overlay", "picture-view"]) at(id).hidden = true;
  at("pace").textContent = "\u00a0";
  curves.clear();
  skeleton.show(null);
}

function drawPicture(bitmap, row) {
  const canvas = at("picture"), context = canvas.getContext("2d");
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
  context.drawImage(bitmap, 0, 0);
  const xy = row.subarray(first + count);
  if (Number.isFinite(xy[0])) {
    context.lineCap = "round";
    for (const [dark, width] of [[true, 7], [false, 4]]) about.ends.forEach(([a, b], i) => {
      context.strokeStyle = dark ? "#000a" : { right: "#e69f00", left: "#56b4e9", middle: "#f0f0f0" }[about.sides[i]];
      context.lineWidth = width * Math.max(1, canvas.width / 960);
      context.beginPath();
      context.moveTo(xy[2 * a], xy[2 * a + 1]);
      context.lineTo(xy[2 * b], xy[2 * b + 1]);
      context.stroke();
    });
  }
  skeleton.show(row.subarray(first, first + count));
  curves.push(row);
}

function idle() {
  camera = null;
  at("start").textContent = "Start the camera";
  at("start").disabled = at("file").disabled = false;
  busy(undefined);
}

async function startCamera() {
  fresh();
  at("picture-view").hidden = at("picture").hidden = false;
  at("start").textContent = "Stop";
  at("file").disabled = true;
  const record = at("record").checked;
  say("Starting. The first seconds are for loading.");
  busy(null);
  camera = new CameraLive({
    picture: (bitmap, row) => {
      busy(undefined);
      if (camera && !camera.stopped) say(Number.isFinite(row[1]) ? (record ? "Recording." : "Live.") : "Nobody is in view: step back until the camera sees you from head to feet.");
      drawPicture(bitmap, row);
    },
    pace: (rate, late) => { at("pace").textContent = `${rate.toFixed(1)} pictures/s, ${Math.round(late)} ms behind`; },
    ended: (job) => { idle(); job ? follow(job) : say("Stopped."); },
    failed: (sentence) => { idle(); say(sentence, true); },
  });
  await camera.start({ record, ...settings() }).catch((error) => { camera?.release(); idle(); say(error.message, true); });
}

async function openVideo(file) {
  fresh();
  at("start").disabled = at("file").disabled = true;
  try {
    say(`Sending ${file.name}.`);
    const job = await upload(file, settings(), about.maxBytes, busy);
    await follow(job);
  } catch (error) {
    say(error.message, true);
  }
  idle();
}

async function follow(job) {
  at("start").disabled = at("file").disabled = true;
  film.job = job;
  try {
    const state = await finished(job, ({ stage, done, total }) => {
      say(`Working: ${stage}${total ? `, ${done} of ${total}` : ""}.`);
      busy(total ? done / total : null);
    });
    await showResults(job, state);
  } catch (error) {
    say(error.message, true);
  }
  idle();
}

async function showResults(job, state) {
  at("files").replaceChildren(...state.files.map(({ name, bytes }) => {
    const item = document.createElement("li");
    const link = Object.assign(document.createElement("a"), { href: `api/jobs/${job}/files/${name}?save`, textContent: name });
    link.setAttribute("download", name.split("/").at(-1));
    item.append(link, ` ${bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`}`);
    if (name.endsWith(".html")) item.append(" ", Object.assign(document.createElement("a"), { href: `api/jobs/${job}/files/${name}`, target: "_blank", rel: "noopener", textContent: "open" }));
    return item;
  }));
  at("warnings").replaceChildren(...state.warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  at("person").replaceChildren(...state.people.map((number, i) => new Option(`person ${number}`, i)));
  at("person").hidden = state.people.length < 2;
  at("results").hidden = at("cursor-row").hidden = false;
  await showPerson(job, 0, state);
  at("person").onchange = () => showPerson(job, Number(at("person").value), state);
  say("Done. The files stay until you delete them, or for an hour, or until skelvid ends.");
}

async function showPerson(job, person, state) {
  film.rows = await rowsOf(job, person, first + count);
  at("cursor").max = film.rows.length - 1;
  curves.show(film.rows);
  const folder = state.people.length > 1 ? `person${String(state.people[person]).padStart(2, "0")}/` : "";
  const overlay = state.files.find(({ name }) => name === `${folder}overlay.mp4`);
  at("picture-view").hidden = at("overlay").hidden = !overlay;
  at("picture").hidden = true;
  at("pace").textContent = "the skeleton over the video";
  if (overlay) at("overlay").src = `api/jobs/${job}/files/${overlay.name}`;
  move(0);
}

// Bring curves, skeleton and film to a row.
function move(row, { film: moveFilm = true } = {}) {
  if (!film.rows.length) return;
  film.cursor = Math.min(Math.max(row, 0), film.rows.length - 1);
  const numbers = film.rows[film.cursor];
  at("cursor").value = film.cursor;
  at("time").textContent = `${numbers[0].toFixed(2)} s`;
  curves.move(film.cursor);
  skeleton.show(numbers.subarray(first, first + count));
  if (moveFilm && at("overlay").src) at("overlay").currentTime = numbers[0] - film.rows[0][0] + 0.001;
}

function play(on) {
  film.playing = on;
  at("play").textContent = on ? "Pause" : "Play";
  if (!on) { at("overlay").pause(); return; }
  if (film.cursor >= film.rows.length - 1) move(0);
  const shown = !at("overlay").hidden && !at("overlay").error;
  if (shown) at("overlay").play().catch(() => play(false));
  const began = performance.now() / 1000 - film.rows[film.cursor][0];
  const step = () => {
    if (!film.playing) return;
    const now = shown ? at("overlay").currentTime + film.rows[0][0] : performance.now() / 1000 - began;
    const next = film.rows.findIndex((row) => row[0] > now);
    if (next < 0 || (shown && at("overlay").ended)) { move(film.rows.length - 1, { film: false }); play(false); return; }
    move(Math.max(next - 1, 0), { film: false });
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

at("start").addEventListener("click", () => { if (camera) { say("Stopping."); camera.stop(); } else startCamera(); });
at("file").addEventListener("change", () => { const [file] = at("file").files; at("file").value = ""; if (file) openVideo(file); });
at("cursor").addEventListener("input", () => { play(false); move(Number(at("cursor").value)); });
at("play").addEventListener("click", () => play(!film.playing));
at("overlay").addEventListener("play", () => { if (!film.playing) play(true); });
at("overlay").addEventListener("pause", () => { if (film.playing) play(false); });
at("overlay").addEventListener("error", () => { at("overlay").hidden = at("picture-view").hidden = true; });
curves.onpick = (row) => { play(false); move(row); };
at("remove").addEventListener("click", async () => { await remove(film.job).catch(() => null); fresh(); say("Deleted."); });
document.documentElement.dataset.ready = "yes";
