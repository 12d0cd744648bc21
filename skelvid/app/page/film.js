// A video file in; how its results come along, and at last their numbers, out.
const ASK_EVERY_MS = 500;

async function asked(address, options) {
  const answer = await fetch(address, options);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? `The server said ${answer.status}.`);
  return answer;
}

export async function about() { return (await asked("api/about")).json(); }

// Upload a file; `said(share)` hears how much has gone. Returns the number of a job.
export function upload(file, settings, maxBytes, said) {
  if (file.size > maxBytes) throw new Error(`This video has ${Math.round(file.size / 1e6)} MB, more than the ${Math.round(maxBytes / 1e6)} MB allowed.`);
  const query = new URLSearchParams({ name: file.name, ...settings });
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", `api/videos?${query}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => said(event.loaded / event.total);
    request.onload = () => (request.status === 200 ? done(request.response.job) : failed(new Error(request.response?.error ?? "The video was refused.")));
    request.onerror = () => failed(new Error("The connection to skelvid broke: is it still running?"));
    request.send(file);
  });
}

// Wait until a job is done; `said(state)` hears how it goes.
export async function finished(job, said) {
  for (;;) {
    const state = await (await asked(`api/jobs/${job}`)).json();
    if (state.state === "failed") throw new Error(state.error);
    if (state.state === "done") return state;
    said(state);
    await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
  }
}

export async function rowsOf(job, person, width) {
  const numbers = new Float32Array(await (await asked(`api/jobs/${job}/rows/${person}`)).arrayBuffer());
  return Array.from({ length: numbers.length / width }, (_, i) => numbers.subarray(i * width, (i + 1) * width));
}

export function remove(job) { return asked(`api/jobs/${job}`, { method: "DELETE" }); }
