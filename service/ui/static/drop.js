// Where photographs come in: dropped anywhere on the page, picked, or taken with the camera.
const PASTED = "pasted";

export default {
  template: `
    <section class="drop" :class="{over}" aria-label="Add files">
      <label class="pick">
        <span class="big">{{ text }}</span>
        <span class="soft">{{ detail }}</span>
        <span class="button">Choose files</span>
        <input type="file" :multiple="multiple" :accept="accept" @change="picked">
      </label>
      <button type="button" v-if="camera && !filming" @click="film">Take one with the camera</button>
      <div class="film" v-show="filming">
        <video ref="video" autoplay muted playsinline></video>
        <div class="bar">
          <button type="button" class="first" @click="shoot">Take it</button>
          <button type="button" @click="stop">Cancel</button>
        </div>
      </div>
      <progress v-if="sending" aria-label="Sending the files"></progress>
      <p class="wrong" v-if="wrong" role="alert">{{ wrong }}</p>
    </section>`,
  props: { url: String, text: String, detail: String, accept: String, multiple: Boolean, camera: Boolean },
  data: () => ({ over: false, filming: false, sending: false, wrong: "" }),
  mounted() {
    // Only files are taken up: cards are dragged too.
    const files = (event) => event.dataTransfer?.types.includes("Files") && this.$el.offsetParent !== null;
    this.listeners = {
      dragover: (event) => { if (files(event)) { event.preventDefault(); this.over = true; } },
      dragleave: (event) => { if (!event.relatedTarget) this.over = false; },
      drop: (event) => {
        if (!files(event)) return;
        event.preventDefault();
        this.over = false;
        this.send([...event.dataTransfer.files]);
      },
      paste: (event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length && this.$el.offsetParent !== null) this.send(files);
      },
    };
    for (const [name, heard] of Object.entries(this.listeners)) document.addEventListener(name, heard);
  },
  unmounted() {
    for (const [name, heard] of Object.entries(this.listeners)) document.removeEventListener(name, heard);
    this.stop();
  },
  methods: {
    picked(event) {
      this.send([...event.target.files]);
      event.target.value = ""; // the same file may be picked again
    },
    async send(files) {
      if (!files.length) return;
      const form = new FormData();
      // One field each: of a name that comes twice the server keeps one file.
      files.forEach((file, number) => form.append(`file${number}`, file, file.name || PASTED));
      this.wrong = "";
      this.sending = true;
      try {
        const answer = await fetch((window.path_prefix ?? "") + this.url, { method: "POST", body: form });
        if (!answer.ok) this.wrong = `The page refused the files (${answer.status}): reload it.`;
      } catch {
        this.wrong = "The page's own server does not answer: reload it.";
      } finally {
        this.sending = false;
      }
    },
    async film() {
      this.wrong = "";
      try {
        const wanted = { video: { facingMode: "environment" } };
        // Browsers have it on https and on this machine alone.
        if (!navigator.mediaDevices) throw new Error("this page needs https for it");
        this.$refs.video.srcObject = await navigator.mediaDevices.getUserMedia(wanted);
        this.filming = true;
      } catch (error) {
        this.wrong = `The camera cannot be used: ${error.message}.`;
      }
    },
    shoot() {
      const video = this.$refs.video;
      const canvas = document.createElement("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d").drawImage(video, 0, 0);
      canvas.toBlob((blob) => blob && this.send([new File([blob], "camera.jpg")]), "image/jpeg", 0.95);
      this.stop();
    },
    stop() {
      this.$refs.video?.srcObject?.getTracks().forEach((track) => track.stop());
      if (this.$refs.video) this.$refs.video.srcObject = null;
      this.filming = false;
    },
  },
};
