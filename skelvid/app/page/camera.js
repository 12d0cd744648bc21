// The browser's camera in; pictures to the server, and its rows of numbers, each beside its picture, out.
const MAX_SIDE = 960, ON_THEIR_WAY = 2, QUALITY = 0.85;

export class CameraLive {
  // `on`: picture(bitmap, row), pace(framesPerSecond, latencyMs), ended(job or null), failed(sentence)
  constructor(on) { this.on = on; this.sent = []; this.waiting = 0; this.late = []; }

  async start(wanted) {
    if (!navigator.mediaDevices) {
      throw new Error("This browser gives no camera to this page: open it as http://127.0.0.1 or by https.");
    }
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" } })
      .catch((error) => { throw new Error(`The camera cannot be used: ${error.message}`); });
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, srcObject: this.stream });
    await this.video.play();
    this.stream.getVideoTracks()[0].addEventListener("ended", () => this.stop());
    const scale = Math.min(1, MAX_SIDE / Math.max(this.video.videoWidth, this.video.videoHeight));
    this.canvas = document.createElement("canvas");
    this.canvas.width = 2 * Math.round(this.video.videoWidth * scale / 2);
    this.canvas.height = 2 * Math.round(this.video.videoHeight * scale / 2);
    this.origin = performance.now();
    const address = Object.assign(new URL("api/live", location.href), { protocol: location.protocol.replace("http", "ws") });
    this.socket = Object.assign(new WebSocket(address), { binaryType: "arraybuffer" });
    this.socket.onopen = () => this.socket.send(JSON.stringify(wanted));
    this.socket.onmessage = (event) => (typeof event.data === "string" ? this.hear(JSON.parse(event.data)) : this.take(event.data));
    this.socket.onclose = () => this.close();
  }

  hear(message) {
    if (message.ready) this.watch();
    if (message.error) this.fault = message.error;
    if (message.job) this.job = message.job;
  }

  watch() {
    if (this.closed || this.stopped) return;
    const next = () => { this.capture(); this.watch(); };
    this.video.requestVideoFrameCallback ? this.video.requestVideoFrameCallback(next) : setTimeout(next, 33);
  }

  async capture() {
    if (this.waiting >= ON_THEIR_WAY || this.stopped || this.closed) return;
    this.waiting += 1;
    const taken = performance.now(), { width, height } = this.canvas;
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, width, height);
    const bitmap = createImageBitmap(this.canvas);
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/jpeg", QUALITY));
    const message = new Uint8Array(8 + blob.size);
    new DataView(message.buffer).setFloat64(0, (taken - this.origin) / 1000, true);
    message.set(new Uint8Array(await blob.arrayBuffer()), 8);
    const frame = { taken, bitmap: await bitmap };
    if (this.stopped || this.closed) return;
    this.sent.push(frame);
    this.socket.send(message);
  }

  take(buffer) {
    this.waiting -= 1;
    const { taken, bitmap } = this.sent.shift(), now = performance.now();
    this.on.picture(bitmap, new Float32Array(buffer));
    bitmap.close();
    this.late.push({ now, late: now - taken });
    while (this.late[0].now < now - 2000) this.late.shift();
    const sorted = this.late.map((entry) => entry.late).sort((a, b) => a - b);
    this.on.pace(1000 * (this.late.length - 1) / Math.max(now - this.late[0].now, 1), sorted[sorted.length >> 1]);
  }

  // Ask the server to end; what is on its way still comes.
  stop() {
    if (this.stopped) return;
    this.stopped = true;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ end: true }));
    this.release();
  }

  release() { this.stream?.getTracks().forEach((track) => track.stop()); }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.release();
    if (this.fault) this.on.failed(this.fault);
    else if (!this.stopped) this.on.failed("The connection to skelvid broke: is it still running?");
    else this.on.ended(this.job ?? null);
  }
}
