// A mesh over its photograph: three.js, as NiceGUI brings it, started at the photograph's own camera.
import { GLTFLoader, OrbitControls, THREE } from "nicegui-scene";

const STEP = Math.PI / 24; // of an arrow key
const TURN = 0.6; // radians in a second
const NEAREST = 2;
const FARTHEST = 50; // object units

export default {
  template: `
    <figure class="viewer" :data-shown="loaded || null">
      <div class="stage" ref="stage" tabindex="0" role="application" :aria-label="label"
           @keydown="key" @pointerdown="seize">
        <div class="behind" :style="{opacity: away ? 0.12 : 1}">
          <img :src="photograph" alt="" :style="placed" draggable="false">
        </div>
        <canvas ref="canvas" :style="{opacity: blend / 100}" aria-hidden="true"></canvas>
        <img v-if="masked && mask" class="mask" :src="mask" :style="masking" alt="Mask of the object" draggable="false">
        <p class="hint" v-if="!away">Drag to turn</p>
        <p class="wrong" v-if="wrong" role="alert">{{ wrong }}</p>
      </div>
      <div class="bar">
        <label class="grow">Photograph
          <input type="range" min="0" max="100" v-model.number="blend" aria-label="Blend from photograph to mesh">
          Mesh</label>
      </div>
      <div class="bar">
        <button type="button" @click="toggle" :aria-pressed="turning">{{ turning ? "Stop" : "Turn it" }}</button>
        <button type="button" @click="home" :disabled="!away">Back to the photograph’s view</button>
        <label><input type="checkbox" v-model="masked"> Show the mask</label>
      </div>
    </figure>`,
  props: {
    glb: String, photograph: String, mask: String, label: String,
    view: Array, projection: Array, // 4 x 4, row by row, as the API gives them
    frame: Object, size: Array, // the square looked at; width and height: pixels of the photograph
  },
  data: () => ({ blend: 100, masked: false, turning: false, away: false, wrong: "", loaded: "" }),
  computed: {
    // The square that is shown, right and below the frame in its sides. A frame may reach beyond the
    // photograph, more on one side: the square is moved until the photograph fills it, or is in its middle.
    moved() {
      const { left, top, side } = this.frame;
      const filled = (from, length) =>
        side < length ? Math.min(Math.max(from, 0), length - side) : (length - side) / 2;
      const [width, height] = this.size;
      return [(filled(left, width) - left) / side, (filled(top, height) - top) / side];
    },
    placed() {
      const { left, top, side } = this.frame;
      const [right, below] = this.moved;
      const share = (pixels) => `${(100 * pixels) / side}%`;
      const [width, height] = this.size;
      return {
        left: share(-left - right * side), top: share(-top - below * side),
        width: share(width), height: share(height),
      };
    },
    masking() {
      const [right, below] = this.moved;
      return { transform: `translate(${-100 * right}%, ${-100 * below}%)` };
    },
  },
  watch: { glb: "load" },
  mounted() {
    const still = { antialias: true, alpha: true, preserveDrawingBuffer: true };
    try {
      this.renderer = new THREE.WebGLRenderer({ canvas: this.$refs.canvas, ...still });
    } catch {
      this.wrong = "This browser has no WebGL: download the mesh to look at it.";
      return;
    }
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(25, 1, 0.1, 100);
    this.controls = new OrbitControls(this.camera, this.$refs.stage);
    Object.assign(this.controls, { enablePan: false, minDistance: NEAREST, maxDistance: FARTHEST });
    this.controls.addEventListener("change", this.draw);
    this.controls.addEventListener("start", () => { this.turning = false; this.away = true; });
    this.observer = new ResizeObserver(this.fit);
    this.observer.observe(this.$refs.stage);
    this.fit();
    this.load();
  },
  unmounted() {
    this.observer?.disconnect();
    cancelAnimationFrame(this.request);
    this.controls?.dispose();
    this.forget();
    this.renderer?.dispose();
    this.renderer?.forceContextLoss();
    this.renderer = null;
  },
  methods: {
    async load() {
      if (!this.renderer) return;
      const wanted = this.glb;
      this.wrong = "";
      try {
        const { scene } = await new GLTFLoader().loadAsync(wanted);
        if (wanted !== this.glb || !this.renderer) return; // another was chosen meanwhile
        // The texture holds the photograph's own light: no other is added.
        scene.traverse((part) => {
          if (part.isMesh)
            part.material = new THREE.MeshBasicMaterial({ map: part.material.map, side: THREE.DoubleSide });
        });
        this.forget();
        this.object = scene;
        this.scene.add(scene);
        this.home();
        this.loaded = wanted;
      } catch (error) {
        this.wrong = `The mesh could not be shown: ${error.message}`;
      }
    },
    forget() {
      this.object?.traverse((part) => {
        part.geometry?.dispose();
        part.material?.map?.dispose();
        part.material?.dispose();
      });
      this.object?.removeFromParent();
    },
    fit() {
      const side = this.$refs.stage.clientWidth;
      if (!this.renderer || !side) return;
      this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
      this.renderer.setSize(side, side, false);
      this.draw();
    },
    home() {
      this.turning = false;
      const view = new THREE.Matrix4().set(...this.view.flat());
      const [right, below] = this.moved;
      // From the frame's clip space, two wide and high, to that of the square.
      const move = new THREE.Matrix4().set(1, 0, 0, -2 * right, 0, 1, 0, 2 * below, 0, 0, 1, 0, 0, 0, 0, 1);
      this.camera.projectionMatrix.set(...this.projection.flat()).premultiply(move);
      this.camera.projectionMatrixInverse.copy(this.camera.projectionMatrix).invert();
      this.camera.position.setFromMatrixPosition(view.invert());
      this.controls.target.set(0, 0, 0);
      this.controls.update();
      this.away = false;
      this.draw();
    },
    // Around the object to another azimuth; degrees from the photograph's own.
    look(degrees) {
      this.home();
      // By nothing it would still round: pixels at edges would not be those of the photograph's view.
      if (degrees) this.rotate((degrees * Math.PI) / 180, 0);
      this.away = false;
    },
    rotate(azimuth, elevation) {
      const at = new THREE.Spherical().setFromVector3(this.camera.position);
      at.theta += azimuth;
      at.phi = Math.min(Math.max(at.phi - elevation, 0.01), Math.PI - 0.01);
      this.camera.position.setFromSpherical(at);
      this.controls.update();
      this.draw();
    },
    key(event) {
      const turns = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
      const zooms = { "+": 0.9, "=": 0.9, "-": 1 / 0.9 };
      if (!this.renderer || event.target !== this.$refs.stage) return;
      if (event.key === "Home") this.home();
      else if (turns[event.key]) { this.away = true; this.rotate(...turns[event.key]); }
      else if (zooms[event.key]) {
        const distance = this.camera.position.length() * zooms[event.key];
        this.camera.position.setLength(Math.min(Math.max(distance, NEAREST), FARTHEST));
        this.away = true;
        this.controls.update();
        this.draw();
      } else return;
      event.preventDefault();
    },
    seize() { this.$refs.stage.focus({ preventScroll: true }); },
    toggle() {
      if (!this.renderer) return;
      this.turning = !this.turning;
      this.away = true;
      let last = performance.now();
      const step = (now) => {
        if (!this.turning || !this.renderer) return;
        this.rotate((TURN * (now - last)) / 1000, 0);
        last = now;
        this.request = requestAnimationFrame(step);
      };
      if (this.turning) this.request = requestAnimationFrame(step);
    },
    draw() { this.renderer?.render(this.scene, this.camera); },
  },
};
