/* The page on which a person labels photographs: the script of photo_page.html, after base.js. */
const {photos} = given;
const STEP = 360 / given.bins.length;
const FINE = 5;
const [INNER, OUTER] = [62, 112];
const SKIP = "skip";
/* Of each bin, from azimuth 0 on: the hours of a clock face, whose 10, 11 and 12 are 0, Q and W. */
const BIN_KEYS = ["6", "7", "8", "9", "0", "q", "w", "1", "2", "3", "4", "5"];
const WORDS = ["front towards you", "front towards you, a little to the left",
  "front to the left, a little towards you", "front to the left",
  "front to the left, a little away", "front away from you, a little to the left",
  "front away from you", "front away from you, a little to the right",
  "front to the right, a little away", "front to the right",
  "front to the right, a little towards you", "front towards you, a little to the right"];
const wrapped = (degrees) => (degrees % 360 + 360) % 360;
const binOf = (degrees) => wrapped(Math.round(degrees / STEP) * STEP);
const wordsOf = (degrees) => WORDS[binOf(degrees) / STEP];
const shownDegrees = (degrees) => `${Math.round(degrees * 10) / 10}°`;
const isAngle = (value) => typeof value === "number" && value >= 0 && value < 360;

/* The state: of each photograph an azimuth, SKIP, or null; the one on show; where the clock is. */
const choices = photos.map(({answer}) => answer);
let current = 0, azimuth = 0;
const waits = (choice) => choice === null;

/* Each choice is kept with what the table said when it was made: a table that was changed since
   knows better. A browser may refuse storage to a file, or hold something else there. */
const placeOf = (index) => "photograph-" + photos[index].key;
function recall(index) {
  try {
    const [choice, answer] = JSON.parse(localStorage.getItem(placeOf(index)));
    const usable = choice === SKIP || isAngle(choice);
    if (usable && answer === photos[index].answer) choices[index] = choice;
  } catch { /* The table's own values stand. */ }
}
function remember(index) {
  try {
    const kept = [choices[index], photos[index].answer];
    localStorage.setItem(placeOf(index), JSON.stringify(kept));
  } catch {
    $("forgets").hidden = false;
  }
}

/* Drawing. The object points down at azimuth 0: towards the viewer. */
const SHAPES = given.category === "vehicles" ? [
  ["object", "M-20-32Q-20-44-9-44H9Q20-44 20-32V29Q20 40 8 41H-8Q-20 40-20 29Z"],
  ["glass", "M-16 20Q0 27 16 20L13 8Q0 12-13 8Z"],
  ["glass", "M-14-31Q0-36 14-31L12-24Q0-27-12-24Z"],
  ["arrow", "M0 59L10 46H-10Z"],
] : [
  ["object", "M0 40L22 12V-30Q22-40 12-40H-12Q-22-40-22-30V12Z"],
  ["arrow", "M0 59L10 46H-10Z"],
];
function label(text, x, y, kind = "end") {
  return element("text", {x, y, "text-anchor": "middle", class: kind, "aria-hidden": true}, text);
}
function drawClock() {
  const directions = given.bins.flatMap((bin, index) => {
    const part = wedge(bin, STEP, INNER, OUTER);
    part.append(element("title", {}, `${bin}°: ${WORDS[index]}`));
    const [x, y] = at(bin, (INNER + OUTER) / 2);
    return [part, label(BIN_KEYS[index].toUpperCase(), x, Number(y) + 5, "key")];
  });
  const object = element("g", {id: "object"});
  object.append(...SHAPES.map(([kind, d]) => element("path", {class: kind, d})));
  const camera = element("path", {
    class: "you", d: "M-35 130H-31L-29 127H-23L-21 130H-17V141H-35ZM-26 132A3.4 3.4 0 1 0-25.9 132Z",
    "fill-rule": "evenodd"});
  $("clock").append(...directions, object, camera, label("you", 2, 140),
    label("away from you", 0, -126), label("left", -133, 4), label("right", 134, 4),
    element("circle", {class: "guess", id: "guess", r: 5}),
    element("circle", {class: "knob", id: "knob", r: 8}));
}
function place(id, degrees) {
  const [cx, cy] = at(degrees, OUTER + 1);
  for (const [key, value] of Object.entries({cx, cy})) $(id).setAttribute(key, value);
}
function showClock() {
  const bin = binOf(azimuth), words = wordsOf(azimuth);
  for (const part of $("clock").querySelectorAll("[data-bin]")) {
    part.classList.toggle("chosen", Number(part.dataset.bin) === bin);
  }
  $("object").setAttribute("transform", `rotate(${azimuth})`);
  place("knob", azimuth);
  place("guess", photos[current].predicted);
  $("clock").setAttribute("aria-valuenow", azimuth);
  $("clock").setAttribute("aria-valuetext", `${Math.round(azimuth)} degrees, ${words}`);
  $("degrees").textContent = shownDegrees(azimuth);
  $("words").textContent = words;
}
function stateOf(index) {
  const choice = choices[index], {predicted, confidence} = photos[index];
  if (choice === SKIP) return ["skipped", "skipped"];
  return waits(choice)
    ? ["predicted", `predicted ${predicted}°, confidence ${confidence.toFixed(2)}`]
    : ["labelled", `labelled ${shownDegrees(choice)}`];
}
function showProgress() {
  const [left, skipped] = [waits, (choice) => choice === SKIP].map(
    (kind) => choices.filter(kind).length);
  const labelled = choices.length - left - skipped, rows = lines().length;
  $("progress").max = choices.length;
  $("progress").value = choices.length - left;
  $("status").textContent = `${choices.length - left} of ${choices.length} done` +
    (skipped ? `, ${skipped} skipped` : "");
  $("missing").textContent = (rows === 1 ? "1 row" : `${rows} rows`) +
    (left ? `, ${left === 1 ? "1 photograph waits" : `${left} photographs wait`}` : ", complete");
  $("download").disabled = !labelled;
  $("download").classList.toggle("primary", !left && labelled > 0);
  $("accept").classList.toggle("primary", left > 0);
  $("done").hidden = left > 0 || !labelled;
}

/* Going from one photograph to another. */
function show(index) {
  if (index < 0 || index >= photos.length) return;
  current = index;
  const {image, file, predicted} = photos[index], choice = choices[index];
  azimuth = isAngle(choice) ? choice : predicted;
  const [kind, words] = stateOf(index);
  $("photo").src = image;
  $("photo").alt = `Photograph ${index + 1} of ${photos.length}: ${file}`;
  $("file").textContent = `${index + 1} / ${photos.length}   ${file}`;
  $("state").textContent = words;
  $("state").className = kind;
  document.body.classList.toggle("skips", choice === SKIP);
  $("back").disabled = index === 0;
  $("spoken").textContent = `${$("photo").alt}, ${words}, ${wordsOf(azimuth)}`;
  showClock();
}
function goOn() {
  const after = choices.findIndex((choice, index) => index > current && waits(choice));
  const next = after >= 0 ? after : choices.findIndex(waits);
  show(next >= 0 ? next : current);
  if (next < 0) $("download").focus();
}

/* Choosing. */
function turn(degrees) {
  azimuth = wrapped(degrees);
  showClock();
}
function choose(choice) {
  choices[current] = choice;
  remember(current);
  showProgress();
  goOn();
}
const accept = () => choose(azimuth), skip = () => choose(SKIP), flip = () => turn(azimuth + 180);
const KEYS = {
  Enter: accept, " ": accept, f: flip, x: skip,
  Backspace: () => show(current - 1), ArrowLeft: () => show(current - 1),
  ArrowRight: () => show(current + 1),
  ArrowUp: (event) => turn(azimuth + (event.shiftKey ? 1 : FINE)),
  ArrowDown: (event) => turn(azimuth - (event.shiftKey ? 1 : FINE)),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = typed(event), bin = BIN_KEYS.indexOf(key);
  const action = bin >= 0 ? () => turn(given.bins[bin]) : KEYS[key];
  const pressesOther = ["Enter", " "].includes(key) && event.target.closest("button, summary");
  if (!action || pressesOther) return;
  event.preventDefault();
  // A key that is held down turns the clock, but does not rush through the photographs.
  if (event.repeat && !key.startsWith("Arrow")) return;
  $("download").blur();  // it has the focus once all are done; Enter is to accept a correction
  action(event);
});
for (const [id, action] of Object.entries(
  {accept, flip, skip, back: () => show(current - 1)})) {
  $(id).addEventListener("click", (event) => {
    action();
    // After a click of the mouse Space is to accept, not to press this button again.
    if (event.detail) $(id).blur();
  });
}

/* The clock: a click chooses the nearest direction, dragging any degree. */
let pressed = null;
function degreesAt(event) {
  const inside = new DOMPoint(event.clientX, event.clientY)
    .matrixTransform($("clock").getScreenCTM().inverse());
  return Math.atan2(-inside.x, inside.y) * 180 / Math.PI;
}
$("clock").addEventListener("pointerdown", (event) => {
  if (event.button) return;
  pressed = {x: event.clientX, y: event.clientY, moved: false};
  $("clock").setPointerCapture(event.pointerId);
});
$("clock").addEventListener("pointermove", (event) => {
  if (!pressed) return;
  const far = Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 4;
  pressed.moved ||= far;
  if (pressed.moved) turn(Math.round(degreesAt(event)));
});
$("clock").addEventListener("pointerup", (event) => {
  if (pressed && !pressed.moved) turn(binOf(degreesAt(event)));
  pressed = null;
});
$("clock").addEventListener("pointercancel", () => { pressed = null; });
$("clock").addEventListener("dblclick", accept);

/* The table: the rows that were there, then the new ones; of photographs only those labelled. */
function lines() {
  const withAzimuth = (cells, index) => cells.map((cell, column) => (
    column === given.azimuth ? String(choices[index]) : cell));
  const photoOfRow = new Map(photos.map(({row}, index) => [row, index]));
  const old = given.rows.flatMap((cells, row) => {
    const index = photoOfRow.get(row);
    if (index === undefined) return [cells];
    if (!isAngle(choices[index])) return [];
    return [choices[index] === photos[index].answer ? cells : withAzimuth(cells, index)];
  });
  const added = photos.flatMap(({file, row}, index) => {
    if (row !== null || !isAngle(choices[index])) return [];
    const cells = given.columns.map((_, column) => column === given.file ? file : "");
    return [withAzimuth(cells, index)];
  });
  const byFile = (a, b) => a[given.file] < b[given.file] ? -1 : 1;
  return [...old, ...added.sort(byFile)];
}
$("download").addEventListener(
  "click", () => download(given.table, csv([given.columns, ...lines()])));

document.title = `${given.name}: ${photos.length} photographs`;
for (const kind of document.querySelectorAll(".kind")) {
  if (given.category === "vehicles") kind.textContent = "vehicle";
}
photos.forEach((_, index) => recall(index));
drawClock();
showProgress();
const first = choices.findIndex(waits);
show(first >= 0 ? first : 0);
