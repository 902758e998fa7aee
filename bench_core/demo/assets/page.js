// The page as a whole: a picture comes in, a hole is painted, methods fill it one after the other.

import { Editor } from "./editor.js";
import { Results } from "./results.js";

const find = (id) => document.getElementById(id);
const largest = Number(find("picture-file").dataset.largest);
let file = null; // the picture as it was given
let turn = 0; // counts pictures and fillings: whatever was begun before the latest stops
const results = new Results();
const editor = new Editor(tellShare);

function say(text) {
  find("message").textContent = text;
  find("message").hidden = !text;
}

// Sends a form. The answer is the address of a `picture`, with `times` in seconds, or an `error`.
async function ask(what, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  try {
    const answer = await fetch(what, { method: "POST", body: form });
    if (answer.headers.get("Content-Type") !== "image/png") return await answer.json();
    const times = [...(answer.headers.get("Server-Timing") ?? "").matchAll(/(\w+);dur=([\d.]+)/g)];
    return {
      picture: URL.createObjectURL(await answer.blob()),
      times: Object.fromEntries(times.map(([, name, milliseconds]) => [name, milliseconds / 1000])),
    };
  } catch {
    return { error: "There was no proper answer. Does `bench demo` still run? Its terminal tells more." };
  }
}

async function loaded(address, image = new Image()) {
  image.src = address;
  await image.decode();
  return image;
}

function tooLarge(given) {
  if (given.size <= largest) return false;
  say(`${given.name} has ${Math.ceil(given.size / 2 ** 20)} MiB; ${largest / 2 ** 20} MiB are the most that is read.`);
  return true;
}

async function open(given) {
  if (!given || tooLarge(given)) return;
  const answer = await ask("picture", { picture: given });
  say(answer.error ?? "");
  if (answer.error) return;
  file = given;
  turn += 1;
  find("opening").hidden = true;
  find("work").hidden = false;
  find("results").hidden = true;
  find("picture").alt = given.name;
  editor.open(await loaded(answer.picture, find("picture")));
}

async function openMask(given) {
  if (!given || tooLarge(given)) return;
  const answer = await ask("mask", { picture: file, mask: given });
  say(answer.error ?? "");
  if (!answer.error) editor.load(await loaded(answer.picture));
}

function tellShare() {
  const { hole } = editor.layers;
  const share = hole.count / (hole.width * hole.height);
  find("share").textContent = share ? `${(100 * share).toFixed(1)} % of ${hole.width} × ${hole.height} pixels are to be filled.` : "No hole yet: paint what is to be filled.";
}

const stem = () => file.name.replace(/\.\w+$/, "");

// A canvas would save colours and transparency, too; what comes back is grey.
async function saveMask() {
  const answer = await ask("mask", { picture: file, mask: await editor.layers.hole.png() });
  say(answer.error ?? "");
  if (!answer.error) Object.assign(document.createElement("a"), { href: answer.picture, download: `${stem()}-mask.png` }).click();
}

// The picture as methods get it, grey where nothing is known.
function withHole() {
  const { hole } = editor.layers;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: hole.width, height: hole.height });
  const context = canvas.getContext("2d");
  context.drawImage(find("picture"), 0, 0);
  const image = context.getImageData(0, 0, hole.width, hole.height);
  const grey = new Uint32Array(new Uint8Array([127, 127, 127, 255]).buffer)[0];
  new Uint32Array(image.data.buffer).forEach((_, index, pixels) => { if (hole.has(index)) pixels[index] = grey; });
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

async function fill(event) {
  event.preventDefault();
  const chosen = [...find("methods").querySelectorAll("input:checked")];
  if (!editor.layers.hole.count) return say("Paint the hole first: there is nothing to fill yet.");
  if (!chosen.length) return say("Choose a method first.");
  say("");
  const [hole, sketch] = await Promise.all([editor.layers.hole.png(), editor.layers.sketch.png()]);
  const given = { picture: file, hole, sketch };
  const mine = ++turn;
  results.open(stem(), { "with hole": withHole(), picture: find("picture").src }, editor.layer);
  const cards = chosen.map((box) => results.card(box.dataset.name));
  find("results").scrollIntoView();
  for (const [index, box] of chosen.entries()) {
    find("progress").textContent = `${box.dataset.name} paints: ${index + 1} of ${chosen.length}`;
    cards[index].lastChild.textContent = "paints";
    const answer = await ask("paint", { ...given, method: box.value });
    if (turn !== mine) return;
    results.fill(cards[index], box.dataset.name, answer);
  }
  find("progress").textContent = results.summary();
}

function choose(all) {
  for (const box of find("methods").querySelectorAll("input")) box.checked = all;
}

function onFile(id, use) {
  find(id).addEventListener("change", async ({ target }) => {
    const [given] = target.files;
    await use(given);
    target.value = "";
  });
}

onFile("picture-file", open);
onFile("other-file", open);
onFile("mask-file", openMask);
find("save-mask").addEventListener("click", saveMask);
find("all").addEventListener("click", () => choose(true));
find("none").addEventListener("click", () => choose(false));
find("methods").addEventListener("submit", fill);
for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    if (name === "drop") open(event.dataTransfer.files[0]);
  });
}
find("example")?.addEventListener("click", async () => {
  open(new File([await (await fetch("example")).blob()], "example.png"));
});
document.addEventListener("paste", (event) => open(event.clipboardData.files[0]));
