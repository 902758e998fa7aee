// The editor: draws a hole and a sketch by mouse, pen, finger or keyboard.

import { Layer, between, stroke } from "./layer.js";

const find = (id) => document.getElementById(id);
const TOOLS = { b: "brush", r: "box", e: "eraser" };

export class Editor {
  constructor(changed) {
    this.changed = changed;
    this.stage = find("stage");
    this.layers = { hole: new Layer(find("hole"), [255, 0, 110]), sketch: new Layer(find("sketch"), [255, 214, 0]) };
    this.layer = this.layers.hole;
    this.sizes = { hole: 24, sketch: 3 };
    this.tool = "brush";
    this.last = null; // last point of the current stroke; null while the brush is up
    this.at = { x: 0, y: 0 };
    this.#pointers();
    this.#buttons();
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  get size() { return find("size").valueAsNumber; }

  // Starts over with a loaded image.
  open(image) {
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    for (const layer of Object.values(this.layers)) layer.resize(width, height);
    this.stage.style.setProperty("--width", width);
    this.stage.style.setProperty("--height", height);
    this.at = { x: width >> 1, y: height >> 1 };
    find("size").max = Math.max(8, Math.min(width, height) >> 1);
    this.#resize(this.layer === this.layers.hole ? Math.max(2, Math.round(Math.min(width, height) / 12)) : this.size);
    this.zoom();
    this.changed();
  }

  zoom() {
    const chosen = find("zoom").value;
    this.stage.classList.toggle("fit", chosen === "fit");
    this.stage.style.setProperty("--zoom", chosen === "fit" ? 1 : chosen / devicePixelRatio);
    this.stage.classList.toggle("enlarged", this.stage.clientWidth * devicePixelRatio > this.layer.width);
  }

  // Sets the hole to the white pixels of a mask of the same size.
  load(mask) {
    const { width, height } = this.layers.hole;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(mask, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const white = (x, y) => data[4 * (y * width + x)] >= 128;
    this.#step(this.layers.hole, (layer) => {
      layer.draw(layer.all(), white, true);
      layer.draw(layer.all(), (x, y) => !white(x, y), false);
    });
  }

  // Makes a change that undo reverts in one step.
  #step(layer, change) {
    layer.begin();
    change(layer);
    this.changed();
  }

  press(point) {
    this.last = this.start = point;
    this.layer.begin();
    this.drag(point);
  }

  drag(point) {
    if (this.tool === "box") {
      this.layer.restart();
      this.layer.draw(between(this.start, point), () => true, true);
    } else {
      this.layer.draw(...stroke(this.last, point, this.size), this.tool === "brush");
    }
    this.last = point;
  }

  release() {
    this.last = null;
    this.changed();
  }

  #point(event) {
    const box = this.stage.getBoundingClientRect();
    const { width, height } = this.layer;
    return {
      x: Math.floor(((event.clientX - box.left) / box.width) * width),
      y: Math.floor(((event.clientY - box.top) / box.height) * height),
    };
  }

  #pointers() {
    const { stage } = this;
    stage.addEventListener("pointerdown", (event) => {
      if (event.button || !event.isPrimary) return;
      stage.setPointerCapture(event.pointerId);
      this.press(this.#move(this.#point(event)));
    });
    stage.addEventListener("pointermove", (event) => {
      if (!event.isPrimary) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) {
        const point = this.#move(this.#point(each));
        if (this.last && stage.hasPointerCapture(event.pointerId)) this.drag(point);
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, () => this.last && this.release());
    }
    stage.addEventListener("pointerleave", () => { find("brush").hidden = true; });
  }

  // Moves the outline of the brush.
  #move(point) {
    this.at = point;
    const brush = find("brush");
    brush.hidden = this.tool === "box";
    for (const [name, value] of Object.entries({ x: point.x, y: point.y, size: this.size })) {
      brush.style.setProperty(`--${name}`, value);
    }
    return point;
  }

  #buttons() {
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.#use(button.dataset.tool));
    }
    for (const button of document.querySelectorAll("[data-layer]")) {
      button.addEventListener("click", () => {
        press("layer", button.dataset.layer);
        this.layer = this.layers[button.dataset.layer];
        this.#resize(this.sizes[button.dataset.layer]);
      });
    }
    const everything = (marks) => this.#step(this.layer, (layer) => layer.draw(layer.all(), () => true, marks));
    find("size").addEventListener("input", () => this.#resize(this.size));
    find("zoom").addEventListener("change", () => this.zoom());
    find("clear").addEventListener("click", () => everything(false));
    find("undo").addEventListener("click", () => this.#history("undo"));
    find("redo").addEventListener("click", () => this.#history("redo"));
    find("invert").addEventListener("click", () => {
      const before = this.layer.pixels.slice();
      this.#step(this.layer, (layer) => {
        layer.draw(layer.all(), (x, y) => before[y * layer.width + x] === 0, true);
        layer.draw(layer.all(), (x, y) => before[y * layer.width + x] !== 0, false);
      });
    });
  }

  #history(action) {
    if (this.last) return;
    this.layer[action]();
    this.changed();
  }

  #use(tool) {
    if (this.last) return;
    this.tool = tool;
    press("tool", tool);
    this.#move(this.at);
  }

  #resize(size) {
    find("size").value = size;
    find("size-shown").textContent = this.size;
    this.sizes[this.layer.canvas.id] = this.size;
    this.#move(this.at);
  }

  #key(event) {
    if (find("work").hidden) return;
    const key = event.key.toLowerCase();
    const here = event.target.closest("#editor") && !event.target.matches("select");
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      if (key === "z") this.#history(event.shiftKey ? "redo" : "undo");
      else if (key === "y") this.#history("redo");
      else return;
    } else if (!here) return;
    else if (TOOLS[key]) this.#use(TOOLS[key]);
    else if (key === "[" || key === "]") this.#resize(this.size + (key === "[" ? -1 : 1));
    else if (event.target !== this.stage || !this.#onStage(key, event.shiftKey)) return;
    event.preventDefault();
  }

  #onStage(key, finely) {
    const pace = finely ? 1 : Math.max(1, this.size >> 1);
    const ways = { arrowleft: [-pace, 0], arrowright: [pace, 0], arrowup: [0, -pace], arrowdown: [0, pace] };
    if (key === " ") {
      if (this.last) this.release();
      else this.press(this.at);
    } else if (ways[key]) {
      const clamp = (value, most) => Math.max(0, Math.min(most - 1, value));
      const [x, y] = ways[key];
      this.#move({ x: clamp(this.at.x + x, this.layer.width), y: clamp(this.at.y + y, this.layer.height) });
      if (this.last) this.drag(this.at);
    } else return false;
    return true;
  }
}

// Presses one button of a group and releases the others.
function press(group, value) {
  for (const button of document.querySelectorAll(`[data-${group}]`)) {
    button.setAttribute("aria-pressed", button.dataset[group] === value);
  }
}
