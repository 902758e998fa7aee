// The results: a card for each method, and two images under one slider.

const find = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function seconds(value) {
  return value < 10 ? `${value.toPrecision(2)} s` : `${Math.round(value)} s`;
}

export class Results {
  constructor() {
    for (const side of ["left", "right"]) {
      find(side).addEventListener("change", () => this.#show(side));
    }
    find("divide").addEventListener("input", () => this.#divide());
    find("divide").addEventListener("dblclick", () => { find("divide").value = 50; this.#divide(); });
  }

  // Clears the results. `shown` holds further images to compare, by name. All images have the same size.
  open(name, shown, { width, height }) {
    this.name = name;
    this.results?.forEach(URL.revokeObjectURL);
    this.results = [];
    find("compare").style.setProperty("--width", width);
    find("compare").style.setProperty("--height", height);
    this.images = new Map();
    find("cards").replaceChildren();
    find("left").replaceChildren();
    find("right").replaceChildren();
    for (const [label, address] of Object.entries(shown)) this.#addImage(label, address);
    find("left").selectedIndex = 0;
    find("results").hidden = false;
    find("compare").hidden = true;
  }

  #addImage(label, address) {
    this.images.set(label, address);
    for (const side of ["left", "right"]) find(side).append(new Option(label));
  }

  // Adds a card that waits for a result.
  card(method) {
    const card = element("li", { className: "waiting" }, element("h3", { textContent: method }), element("p", { textContent: "waiting" }));
    find("cards").append(card);
    return card;
  }

  fill(card, method, answer) {
    card.className = answer.error ? "failed" : "";
    card.lastChild.textContent = answer.error ?? inWords(answer.times);
    if (answer.error) return;
    this.#addImage(method, answer.image);
    this.results.push(answer.image);
    const image = element("img", { src: answer.image, alt: `Result of ${method}` });
    const compare = element("button", { type: "button", textContent: "Compare" });
    compare.addEventListener("click", () => this.choose("right", method));
    const file = `${this.name}-${method.replace(/[^\w.+-]+/g, "-")}.png`;
    const save = element("a", { href: answer.image, download: file, textContent: "Save" });
    save.setAttribute("aria-label", `Save the result of ${method}`);
    compare.setAttribute("aria-label", `Compare ${method}`);
    card.prepend(image);
    card.append(element("div", { className: "actions" }, compare, save));
    if (find("compare").hidden) {
      find("compare").hidden = false;
      this.choose("left", find("left").options[0].value);
      this.choose("right", method);
      this.#divide();
    }
  }

  summary() {
    const [done, failed] = ["#cards li:not(.failed)", "#cards .failed"].map((each) => document.querySelectorAll(each).length);
    return failed ? `${done} done, ${failed} failed.` : `${done} done.`;
  }

  choose(side, label) {
    find(side).value = label;
    this.#show(side);
    if (side === "right") find("compare").scrollIntoView({ block: "nearest" });
  }

  #show(side) {
    const label = find(side).value;
    Object.assign(find(`${side}-image`), { src: this.images.get(label), alt: label });
  }

  #divide() {
    find("compare").style.setProperty("--at", `${find("divide").value}%`);
  }
}

function inWords({ inpainting, loading }) {
  const loaded = loading > 0.05 ? `, after loading for ${seconds(loading)}` : "";
  return `inpainted in ${seconds(inpainting)}${loaded}`;
}
