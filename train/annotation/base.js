/* What the pages of this folder share. It stands in a script element, after the JSON that
   self_contained.py writes and before the page's own script. */
"use strict";
const $ = (id) => document.getElementById(id);
const given = JSON.parse($("given").textContent);

function element(name, attributes = {}, text = "") {
  const space = ["svg", "g", "path", "circle", "text", "title"].includes(name)
    ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const made = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/* A clock seen from above with the viewer at the bottom. Azimuth 0 (the front faces the viewer) is
   at the bottom, 90 at the left, clockwise, so that an object drawn in the middle points as it does
   in the picture. */
function at(azimuth, radius) {
  const angle = azimuth * Math.PI / 180;
  return [-radius * Math.sin(angle), radius * Math.cos(angle)].map((v) => v.toFixed(2));
}
function wedge(bin, step, inner, outer) {
  const [from, to] = [bin - step / 2, bin + step / 2];
  const outline = `M${at(from, outer)}A${outer} ${outer} 0 0 1 ${at(to, outer)}` +
    `L${at(to, inner)}A${inner} ${inner} 0 0 0 ${at(from, inner)}Z`;
  return element("path", {
    d: outline, class: bin % 90 ? "wedge" : "wedge quarter", "data-bin": bin});
}

/* Which key it was. The digits above the letters need Shift on some keyboards. */
const typed = ({key, code}) => /^Digit[0-9]$/.test(code) ? code.at(-1)
  : key.length === 1 ? key.toLowerCase() : key;

/* A table, as Python's csv module reads it, and how it becomes a file. */
function csv(lines) {
  const quoted = (cell) => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  return lines.map((line) => line.map(quoted).join(",") + "\n").join("");
}
function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
  element("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
