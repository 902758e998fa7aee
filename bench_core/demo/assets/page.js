// The page: opens an image, and runs the chosen methods one after the other.

import { Editor } from "./editor.js";
import { Results } from "./results.js";

const find = (id) => document.getElementById(id);
const maxBytes = Number(find("image-file").dataset.maxBytes);
let file = null; // the image file as the user gave it
let turn = 0; // counts images and submissions: an older submission stops
const results = new Results();
const editor = new Editor(showShare);

function showMessage(text) {
  find("message").textContent = text;
  find("message").hidden = !text;
}

// Posts a form. Returns the URL of an `image` and `times` in seconds, or an `error`.
async function post(path, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  try {
    const answer = await fetch(path, { method: "POST", body: form });
    if (answer.headers.get("Content-Type") !== "image/png") return await answer.json();
    const times = [...(answer.headers.get("Server-Timing") ?? "").matchAll(/(\w+);dur=([\d.]+)/g)];
    return {
      image: URL.createObjectURL(await answer.blob()),
      times: Object.fromEntries(times.map(([, name, milliseconds]) => [name, milliseconds / 1000])),
    };
  } catch {
    return { error: "The server did not respond. Is `bench demo` still running? Check its terminal." };
  }
}

async function loaded(address, image = new Image()) {
  image.src = address;
  await image.decode();
  return image;
}

function tooLarge(given) {
  if (given.size <= maxBytes) return false;
  showMessage(`${given.name} has ${Math.ceil(given.size / 2 ** 20)} MiB; the maximum is ${maxBytes / 2 ** 20} MiB.`);
  return true;
}

async function open(given) {
  if (!given || tooLarge(given)) return;
  const answer = await post("image", { image: given });
  showMessage(answer.error ?? "");
  if (answer.error) return;
  file = given;
  turn += 1;
  find("opening").hidden = true;
  find("work").hidden = false;
  find("results").hidden = true;
  find("image").alt = given.name;
  editor.open(await loaded(answer.image, find("image")));
}

async function openMask(given) {
  if (!given || tooLarge(given)) return;
  const answer = await post("mask", { image: file, mask: given });
  showMessage(answer.error ?? "");
  if (!answer.error) editor.load(await loaded(answer.image));
}

function showShare() {
  const { hole } = editor.layers;
  const share = hole.count / (hole.width * hole.height);
  find("share").textContent = share ? `${(100 * share).toFixed(1)} % of ${hole.width} × ${hole.height} pixels are missing.` : "No hole yet: draw over the part to replace.";
}

const stem = () => file.name.replace(/\.\w+$/, "");

// The server converts the canvas, which has colours and transparency, to black and white.
async function saveMask() {
  const answer = await post("mask", { image: file, mask: await editor.layers.hole.png() });
  showMessage(answer.error ?? "");
  if (!answer.error) Object.assign(document.createElement("a"), { href: answer.image, download: `${stem()}-mask.png` }).click();
}

// The image with missing pixels in grey.
function withHole() {
  const { hole } = editor.layers;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: hole.width, height: hole.height });
  const context = canvas.getContext("2d");
  context.drawImage(find("image"), 0, 0);
  const image = context.getImageData(0, 0, hole.width, hole.height);
  const grey = new Uint32Array(new Uint8Array([127, 127, 127, 255]).buffer)[0];
  new Uint32Array(image.data.buffer).forEach((_, index, pixels) => { if (hole.isMarked(index)) pixels[index] = grey; });
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

async function fill(event) {
  event.preventDefault();
  const chosen = [...find("methods").querySelectorAll("input:checked")];
  if (!editor.layers.hole.count) return showMessage("Draw a hole first.");
  if (!chosen.length) return showMessage("Choose a method first.");
  showMessage("");
  const [hole, sketch] = await Promise.all([editor.layers.hole.png(), editor.layers.sketch.png()]);
  const given = { image: file, hole, sketch };
  const mine = ++turn;
  results.open(stem(), { "with hole": withHole(), image: find("image").src }, editor.layer);
  const cards = chosen.map((box) => results.card(box.dataset.name));
  find("results").scrollIntoView();
  for (const [index, box] of chosen.entries()) {
    find("progress").textContent = `Running ${box.dataset.name}: ${index + 1} of ${chosen.length}`;
    cards[index].lastChild.textContent = "running";
    const answer = await post("inpaint", { ...given, method: box.value });
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

onFile("image-file", open);
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
