/* The page on which a person fills in viewpoints.csv: the script of page.html, after base.js. */
const [BIN, KEEP, STD] = ["azimuth_bin_degrees", "keep", "azimuth_std_degrees"]
  .map((name) => given.columns.indexOf(name));
const STEP = 360 / given.bins.length;
const STORE = "viewpoints-" + given.key;
const NAMES = ["front", "front left", "front left", "left side", "back left", "back left", "back",
  "back right", "back right", "right side", "front right", "front right"];

/* The state: bin in degrees or null, keep. */
const choices = given.rows.map(({cells}) => (
  {bin: cells[BIN] === "" ? null : Number(cells[BIN]), keep: cells[KEEP] === "1"}));
const waits = (choice) => choice.keep && choice.bin === null;
const nameOf = (bin) => NAMES[bin / STEP];

/* A browser may refuse storage to a file, or hold something else there. */
function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE));
    if (!Array.isArray(kept) || kept.length !== choices.length) return;
    kept.forEach(([bin, keep], row) => {
      if (bin === null || given.bins.includes(bin)) choices[row] = {bin, keep: Boolean(keep)};
    });
  } catch { /* The table's own values stand. */ }
}
function remember() {
  try {
    localStorage.setItem(STORE, JSON.stringify(choices.map(({bin, keep}) => [bin, keep])));
  } catch {
    $("forgets").hidden = false;
  }
}

/* Drawing. */
function ends(radius, gap) {
  return [["front", 0, radius + gap + 8, "middle"], ["left side", -radius - gap, 4, "end"],
    ["back", 0, -radius - gap, "middle"], ["right side", radius + gap, 4, "start"]].map(
    ([text, x, y, anchor]) => element("text", {x, y, "text-anchor": anchor, class: "end"}, text));
}
function clockOf(row) {
  const clock = element("svg", {
    class: "clock", viewBox: "-122 -75 244 150", role: "slider", tabindex: 0,
    "aria-label": `Azimuth of code ${row}`, "aria-valuemin": 0, "aria-valuemax": 360 - STEP});
  for (const bin of given.bins) {
    const part = wedge(bin, STEP, 21, 54);
    part.append(element("title", {}, `${bin}°, ${nameOf(bin)}`));
    clock.append(part);
  }
  const object = element("path", {class: "object", d: "M0 15L8 3V-10Q8-13 5-13H-5Q-8-13-8-10V3Z"});
  clock.append(object, ...ends(54, 5));
  return clock;
}

/* One row of the list, with the parts that change. */
const rows = given.rows.map(({cells, images}, row) => {
  const item = element("li", {class: "row"});
  const number = element("div", {class: "number"}, row);
  if (cells[STD]) {
    number.append(element("div", {
      class: "quiet", title: "standard deviation of the azimuth across contents",
    }, `± ${Number(cells[STD]).toFixed(1)}°`));
  }
  const strip = element("div", {
    class: "images", role: "img", "aria-label": `Code ${row} with ${images.length} contents`});
  strip.append(...images.map((src) => element("img", {src, alt: ""})));
  const clock = clockOf(row);
  const side = element("div");
  const answer = element("div", {class: "answer"});
  const drop = element("button", {type: "button", class: "drop"});
  side.append(answer, drop);
  item.append(number, strip, clock, side);
  clock.addEventListener("click", (event) => {
    const part = event.target.closest("[data-bin]");
    if (part) choose(row, {bin: Number(part.dataset.bin)});
  });
  drop.addEventListener("click", () => choose(row, {keep: !choices[row].keep}));
  item.addEventListener("focusin", () => enter(row));
  item.addEventListener("click", () => enter(row));
  $("rows").append(item);
  return {item, clock, answer, drop};
});

function show(row) {
  const {bin, keep} = choices[row];
  const {item, clock, answer, drop} = rows[row];
  item.classList.toggle("waits", bin === null);
  item.classList.toggle("dropped", !keep);
  for (const part of clock.querySelectorAll("[data-bin]")) {
    part.classList.toggle("chosen", Number(part.dataset.bin) === bin);
  }
  clock.querySelector(".object").setAttribute("transform", `rotate(${bin ?? 0})`);
  clock.setAttribute("aria-valuenow", bin ?? 0);
  clock.setAttribute("aria-valuetext", (bin === null ? "not chosen yet"
    : `${bin} degrees, ${nameOf(bin)}`) + (keep ? "" : ", dropped"));
  const value = bin === null ? (keep ? "waits" : "–") : `${bin}°`;
  answer.replaceChildren(element("b", {}, value),
    element("span", {}, keep ? (bin === null ? "click the clock" : nameOf(bin)) : "dropped"));
  drop.textContent = keep ? "Drop" : "Keep";
  drop.setAttribute("aria-label", `${drop.textContent} code ${row}`);
}
function showProgress() {
  const left = choices.filter(waits).length, dropped = choices.filter(({keep}) => !keep).length;
  const counts = given.bins.map(
    (bin) => choices.filter((choice) => choice.keep && choice.bin === bin).length);
  const empty = given.bins.filter((_, index) => !counts[index]);
  const waiting = left === 1 ? "1 row still waits" : `${left} rows still wait`;
  $("progress").max = choices.length;
  $("progress").value = choices.length - left;
  $("status").textContent = `${choices.length - left} of ${choices.length} done` +
    (dropped ? `, ${dropped} dropped` : "");
  $("missing").textContent = left ? waiting : "complete";
  $("next").disabled = $("next").hidden = !left;
  $("empty").textContent = !empty.length ? "Every bin has rows."
    : `Bins still empty: ${empty.map((bin) => bin + "°").join(", ")}. Some may stay so.`;
  const numbers = given.bins.flatMap((bin, index) => {
    const part = wedge(bin, STEP, 44, 78);
    part.classList.toggle("covered", counts[index] > 0);
    const [x, y] = at(bin, 61);
    const label = element("text", {x, y: Number(y) + 4, "text-anchor": "middle"}, counts[index]);
    return [part, label];
  });
  const middle = ["rows", "per bin"].map((text, line) => element(
    "text", {x: 0, y: 16 * line - 2, "text-anchor": "middle", class: "end"}, text));
  $("coverage").replaceChildren(...numbers, ...ends(78, 5), ...middle);
}

/* Choosing. */
let current = 0;
function enter(row) {
  rows[current].item.classList.remove("current");
  rows[row].item.classList.add("current");
  current = row;
}
function go(row) {
  if (row < 0 || row >= rows.length) return;
  rows[row].clock.focus({preventScroll: true});
  rows[row].item.scrollIntoView({block: "nearest"});
}
function goToWaiting() {
  const after = choices.findIndex((choice, row) => row > current && waits(choice));
  go(after >= 0 ? after : choices.findIndex(waits));
}
function choose(row, change) {
  Object.assign(choices[row], change);
  show(row);
  showProgress();
  remember();
}
function turn(by) {
  const {bin} = choices[current];
  choose(current, {bin: bin === null ? 0 : (bin + by + 360) % 360});
}
/* Times 30 degrees: the row above the letters has but ten digits. */
const BIN_KEYS = [..."0123456789qw"];
const KEYS = {
  ArrowUp: () => go(current - 1), ArrowDown: () => go(current + 1),
  ArrowLeft: () => turn(-STEP), ArrowRight: () => turn(STEP),
  x: () => choose(current, {keep: !choices[current].keep}), Enter: goToWaiting,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onButton = event.key === "Enter" && event.target.closest("button");
  const key = typed(event), bin = BIN_KEYS.indexOf(key);
  const action = bin >= 0 ? () => choose(current, {bin: given.bins[bin]}) : KEYS[key];
  if (!action || onButton) return;
  event.preventDefault();
  action();
});
$("next").addEventListener("click", goToWaiting);

/* The table. */
function table() {
  const lines = given.rows.map(({cells}, row) => cells.map((cell, column) => (
    column === BIN ? String(choices[row].bin ?? "")
      : column === KEEP ? String(Number(choices[row].keep)) : cell)));
  return csv([given.columns, ...lines]);
}
$("download").addEventListener("click", () => download("viewpoints.csv", table()));

$("name").textContent = `Run ${given.name}: ${given.rows.length} view codes`;
recall();
rows.forEach((_, row) => show(row));
showProgress();
remember();
enter(0);
