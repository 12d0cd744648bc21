// A skinned, animated body out of a GLB file (glTF 2.0), drawn by WebGL 2: what our own exporter writes, no more.
const VERTEX = `#version 300 es
in vec3 position, normal; in vec4 joints, weights;
uniform mat4 bone[24]; uniform mat4 view; uniform bool skinned; uniform vec3 shift;
out vec3 side;
void main() {
  mat4 m = skinned ? weights.x * bone[int(joints.x)] + weights.y * bone[int(joints.y)]
    + weights.z * bone[int(joints.z)] + weights.w * bone[int(joints.w)] : mat4(1.0);
  side = mat3(m) * normal;
  gl_Position = view * (m * vec4(position, 1.0) + vec4(shift, 0.0));
}`;
// Light comes from the eye and from above; a see-through skin is denser where it is seen edge-on, as glass is.
const FRAGMENT = `#version 300 es
precision mediump float;
in vec3 side; uniform vec4 color; uniform vec3 eye; uniform bool flat_; out vec4 pixel;
void main() {
  float facing = abs(dot(normalize(side), eye));
  float light = flat_ ? 1.0 : 0.45 + 0.45 * facing + 0.10 * normalize(side).y;
  float alpha = color.a < 1.0 && !flat_ ? mix(0.75, 0.22, facing) : color.a;
  pixel = vec4(pow(color.rgb, vec3(1.0 / 2.2)) * light * alpha, alpha);
}`;

const times4 = (a, b) => {
  const out = new Float32Array(16);
  for (let c = 0; c < 4; c++) for (let r = 0; r < 4; r++) for (let k = 0; k < 4; k++) out[4 * c + r] += a[4 * k + r] * b[4 * c + k];
  return out;
};
const placed = ([x, y, z, w], [tx, ty, tz]) => new Float32Array([
  1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w), 0,
  2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w), 0,
  2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y), 0, tx, ty, tz, 1]);

function readGlb(data) {
  const view = new DataView(data), length = view.getUint32(12, true);
  const json = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 20, length)));
  const types = { 5126: Float32Array, 5125: Uint32Array, 5123: Uint16Array, 5121: Uint8Array };
  const widths = { SCALAR: 1, VEC3: 3, VEC4: 4, MAT4: 16 };
  json.array = (index) => {
    const { bufferView, componentType, count, type } = json.accessors[index];
    return new types[componentType](data, 28 + length + (json.bufferViews[bufferView].byteOffset ?? 0), count * widths[type]);
  };
  return json;
}

class Viewer {
  constructor(canvas, data) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { antialias: true, alpha: false, preserveDrawingBuffer: true });
    if (!this.gl) throw new Error("this browser shows no WebGL 2");
    this.glb = readGlb(data);
    this.hidden = new Set();
    this.yaw = 0.5;
    this.pitch = 0.1;
    this.far = 3.4;
    this.tracks = this.glb.animations[0].channels.map(({ sampler, target }) => {
      const { input, output } = this.glb.animations[0].samplers[sampler];
      return { node: target.node, path: target.path, times: this.glb.array(input), values: this.glb.array(output) };
    });
    this.unbind = this.glb.array(this.glb.skins[0].inverseBindMatrices);
    this.parents = [];
    this.glb.nodes.forEach((node, i) => (node.children ?? []).forEach((child) => (this.parents[child] = i)));
    this.program = this.build();
    this.parts = this.glb.nodes.filter((node) => node.mesh !== undefined).map((node) => this.upload(node));
    this.parts.sort((a, b) => b.color[3] - a.color[3]); // what is see-through comes last
    this.grid = this.makeGrid();
  }

  build() {
    const gl = this.gl, program = gl.createProgram();
    for (const [type, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "shader");
    this.at = (name) => gl.getUniformLocation(program, name);
    return program;
  }

  attribute(name, values, size, normalized = false) {
    const gl = this.gl, place = gl.getAttribLocation(this.program, name);
    const types = { Float32Array: gl.FLOAT, Uint16Array: gl.UNSIGNED_SHORT, Uint8Array: gl.UNSIGNED_BYTE };
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, types[values.constructor.name], normalized, 0, 0);
  }

  upload(node) {
    const gl = this.gl, { attributes, indices, material } = this.glb.meshes[node.mesh].primitives[0];
    const lump = gl.createVertexArray(), order = this.glb.array(indices);
    gl.bindVertexArray(lump);
    this.attribute("position", this.glb.array(attributes.POSITION), 3);
    this.attribute("normal", this.glb.array(attributes.NORMAL), 3);
    this.attribute("joints", this.glb.array(attributes.JOINTS_0), 4);
    this.attribute("weights", this.glb.array(attributes.WEIGHTS_0), 4, true);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.STATIC_DRAW);
    const type = order instanceof Uint32Array ? gl.UNSIGNED_INT : gl.UNSIGNED_SHORT;
    return { name: node.name, lump, count: order.length, type, color: this.glb.materials[material].pbrMetallicRoughness.baseColorFactor };
  }

  makeGrid() { // squares of half a metre on the floor
    const points = [];
    for (let i = -8; i <= 8; i++) points.push(i / 2, 0, -4, i / 2, 0, 4, -4, 0, i / 2, 4, 0, i / 2);
    const lump = this.gl.createVertexArray();
    this.gl.bindVertexArray(lump);
    this.attribute("position", new Float32Array(points), 3);
    return { lump, count: points.length / 3 };
  }

  pose(time) { // what turned each joint and where it is, s from the start of the animation; between keys straight on
    const local = this.glb.nodes.map(({ rotation = [0, 0, 0, 1], translation = [0, 0, 0] }) => ({ rotation, translation }));
    for (const { node, path, times, values } of this.tracks) {
      const size = path === "rotation" ? 4 : 3;
      let low = 0, high = times.length - 1;
      while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] <= time) low = middle; else high = middle; }
      const share = high > low ? Math.min(1, Math.max(0, (time - times[low]) / (times[high] - times[low]))) : 0;
      const a = values.subarray(low * size, low * size + size), b = values.subarray(high * size, high * size + size);
      const sign = size === 4 && a.reduce((sum, v, i) => sum + v * b[i], 0) < 0 ? -1 : 1;
      const mixed = Array.from(a, (v, i) => (1 - share) * v + share * sign * b[i]);
      const long = size === 4 ? Math.hypot(...mixed) : 1;
      local[node][path] = mixed.map((v) => v / long);
    }
    const world = [];
    const find = (i) => (world[i] ??= this.parents[i] === undefined ? placed(local[i].rotation, local[i].translation)
      : times4(find(this.parents[i]), placed(local[i].rotation, local[i].translation)));
    return this.glb.skins[0].joints.map((node, i) => ({ world: find(node), bone: times4(find(node), this.unbind.subarray(16 * i, 16 * i + 16)) }));
  }

  show(time = this.time) {
    this.time = time;
    const gl = this.gl, canvas = this.canvas, dense = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * dense);
    canvas.height = Math.round(canvas.clientHeight * dense);
    const joints = this.pose(time), [x, , z] = joints[0].world.subarray(12, 15);
    const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    const eye = [sy * cp, sp, cy * cp];
    const turn = new Float32Array([cy, -sy * sp, sy * cp, 0, 0, cp, sp, 0, -sy, -cy * sp, cy * cp, 0, 0, 0, -this.far, 1]);
    const zoom = 2.2, wide = (zoom * canvas.height) / canvas.width, [near, last] = [0.1, 40];
    const lens = new Float32Array([wide, 0, 0, 0, 0, zoom, 0, 0, 0, 0, (last + near) / (near - last), -1, 0, 0, (2 * last * near) / (near - last), 0]);
    const view = times4(lens, times4(turn, placed([0, 0, 0, 1], [-x, -0.88, -z])));
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0.914, 0.929, 0.941, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(this.program);
    gl.uniformMatrix4fv(this.at("view"), false, view);
    gl.uniform3fv(this.at("eye"), eye);
    gl.uniformMatrix4fv(this.at("bone"), false, joints.flatMap(({ bone }) => Array.from(bone)));
    // The floor goes with the person, square by square.
    gl.uniform3f(this.at("shift"), Math.round(2 * x) / 2, 0, Math.round(2 * z) / 2);
    this.paint([0.35, 0.4, 0.45, 0.35], true, () => { gl.bindVertexArray(this.grid.lump); gl.drawArrays(gl.LINES, 0, this.grid.count); });
    gl.uniform3f(this.at("shift"), 0, 0, 0);
    for (const part of this.absent ? [] : this.parts.filter((p) => !this.hidden.has(p.name))) {
      const clear = part.color[3] < 1;
      const paint = () => { gl.bindVertexArray(part.lump); gl.drawElements(gl.TRIANGLES, part.count, part.type, 0); };
      if (clear) { // only its nearest surface shows: first its depth alone, then its colour
        gl.colorMask(false, false, false, false);
        this.paint(part.color, false, paint);
        gl.colorMask(true, true, true, true);
        gl.depthFunc(gl.LEQUAL);
      }
      this.paint(part.color, false, paint);
      gl.depthFunc(gl.LESS);
    }
  }

  paint(color, flat, what) {
    this.gl.uniform4fv(this.at("color"), color);
    this.gl.uniform1i(this.at("flat_"), flat ? 1 : 0);
    this.gl.uniform1i(this.at("skinned"), flat ? 0 : 1);
    what();
  }
}
