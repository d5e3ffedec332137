// A box drawn on a photograph, with the pointer or the keyboard, in the photograph's own pixels.
const STEP = 0.02; // of the photograph, for an arrow key

export default {
  template: `
    <div class="boxed" ref="area" tabindex="0" role="application"
         aria-label="Draw a box around the object. Arrow keys move it, with Shift they make it larger or smaller."
         @keydown="key" @pointerdown="start" @pointermove="move" @pointerup="end" @pointercancel="end">
      <img :src="photograph" :alt="'Photograph ' + name" draggable="false">
      <div class="rectangle" v-if="box" :style="placed"></div>
    </div>`,
  props: { photograph: String, name: String, size: Array },
  data: () => ({ box: null, from: null }), // left, top, right, bottom as shares of the photograph
  computed: {
    placed() {
      const [left, top, right, bottom] = this.box.map((share) => 100 * share);
      return { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` };
    },
  },
  methods: {
    at(event) {
      const area = this.$refs.area.getBoundingClientRect();
      const within = (share) => Math.min(Math.max(share, 0), 1);
      return [within((event.clientX - area.left) / area.width), within((event.clientY - area.top) / area.height)];
    },
    start(event) {
      event.preventDefault();
      this.$refs.area.focus();
      this.$refs.area.setPointerCapture(event.pointerId);
      this.from = this.at(event);
    },
    move(event) {
      if (!this.from) return;
      const [x, y] = this.at(event);
      const [a, b] = this.from;
      this.box = [Math.min(a, x), Math.min(b, y), Math.max(a, x), Math.max(b, y)];
    },
    end() {
      if (!this.from) return;
      this.from = null;
      this.tell();
    },
    key(event) {
      const steps = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      const [left, top, right, bottom] = this.box ?? [0.25, 0.25, 0.75, 0.75];
      const [x, y] = step;
      const least = STEP;
      if (event.shiftKey)
        this.box = [left, top, Math.min(Math.max(right + x, left + least), 1), Math.min(Math.max(bottom + y, top + least), 1)];
      else {
        const dx = Math.min(Math.max(x, -left), 1 - right);
        const dy = Math.min(Math.max(y, -top), 1 - bottom);
        this.box = [left + dx, top + dy, right + dx, bottom + dy];
      }
      this.tell();
    },
    tell() {
      if (!this.box) return;
      const [width, height] = this.size;
      const [left, top, right, bottom] = this.box;
      this.$emit("drawn", [left * width, top * height, right * width, bottom * height]);
    },
  },
};
