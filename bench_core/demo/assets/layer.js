// A drawing over the image. Each pixel of the image is marked fully or not at all, at any zoom.

export class Layer {
  constructor(canvas, [red, green, blue]) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    const colour = new Uint8ClampedArray([red, green, blue, 255]);
    this.colour = new Uint32Array(colour.buffer)[0];
  }

  resize(width, height) {
    Object.assign(this.canvas, { width, height });
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.done = [];
    this.undone = [];
    this.count = 0;
  }

  get width() { return this.canvas.width; }
  get height() { return this.canvas.height; }
  isMarked(index) { return this.pixels[index] !== 0; }

  // Begins a step of the undo history: the runs of pixels it changed, as [first, end, first, end, ...].
  begin() {
    this.done.push([]);
    this.undone = [];
  }

  undo() { this.#flip(this.done, this.undone); }
  redo() { this.#flip(this.undone, this.done); }

  // Reverts the current step and begins it again.
  restart() {
    this.undo();
    this.begin();
  }

  #flip(from, to) {
    const step = from.pop();
    if (!step) return;
    for (let at = 0; at < step.length; at += 2) {
      this.#set(step[at], step[at + 1], !this.isMarked(step[at]));
    }
    to.push(step);
    this.show();
  }

  // Marks or clears every pixel of a box for which `inside(x, y)` is true.
  draw({ left, top, right, bottom }, inside, marked) {
    [left, top] = [Math.max(left, 0), Math.max(top, 0)];
    [right, bottom] = [Math.min(right, this.width - 1), Math.min(bottom, this.height - 1)];
    const value = marked ? this.colour : 0;
    const step = this.done.at(-1);
    for (let y = top; y <= bottom; y++) {
      let first = -1;
      for (let x = left; x <= right + 1; x++) {
        const index = y * this.width + x;
        const changes = x <= right && this.pixels[index] !== value && inside(x, y);
        if (changes && first < 0) first = index;
        if (!changes && first >= 0) {
          this.#set(first, index, marked);
          step.push(first, index);
          first = -1;
        }
      }
    }
    if (left <= right && top <= bottom) this.show(left, top, right - left + 1, bottom - top + 1);
  }

  #set(first, end, marked) {
    this.pixels.fill(marked ? this.colour : 0, first, end);
    this.count += marked ? end - first : first - end;
  }

  show(left = 0, top = 0, width = this.width, height = this.height) {
    this.context.putImageData(this.image, 0, 0, left, top, width, height);
  }

  all() { return { left: 0, top: 0, right: this.width - 1, bottom: this.height - 1 }; }

  // Returns a PNG of the image's size, white where marked and black elsewhere.
  png() {
    const canvas = new OffscreenCanvas(this.width, this.height);
    const context = canvas.getContext("2d");
    const image = context.createImageData(this.width, this.height);
    const [white, black] = [0xffffffff, new Uint32Array(new Uint8Array([0, 0, 0, 255]).buffer)[0]];
    new Uint32Array(image.data.buffer).set(this.pixels.map((pixel) => (pixel ? white : black)));
    context.putImageData(image, 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  }
}

// Sweeps a disc of diameter `size` from one pixel's centre to another's. Returns its bounds and a test for covered
// pixels. Uses integers only, so rounding has no influence.
export function stroke(from, to, size) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const reach = size * size;
  const inside = (x, y) => {
    const [px, py] = [x - from.x, y - from.y];
    const along = px * dx + py * dy;
    if (along <= 0) return 4 * (px * px + py * py) <= reach;
    if (along >= length) return 4 * ((x - to.x) ** 2 + (y - to.y) ** 2) <= reach;
    return 4 * (px * dy - py * dx) ** 2 <= reach * length;
  };
  const half = Math.floor(size / 2);
  const { left, top, right, bottom } = between(from, to);
  return [{ left: left - half, top: top - half, right: right + half, bottom: bottom + half }, inside];
}

export function between(a, b) {
  return { left: Math.min(a.x, b.x), top: Math.min(a.y, b.y), right: Math.max(a.x, b.x), bottom: Math.max(a.y, b.y) };
}
