// What methods made of a hole: a card for each, and two pictures under one slider.

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

  // Begins anew: `shown` are pictures to compare with, by their names. All are of one size.
  open(name, shown, { width, height }) {
    this.name = name;
    this.painted?.forEach(URL.revokeObjectURL);
    this.painted = [];
    find("compare").style.setProperty("--width", width);
    find("compare").style.setProperty("--height", height);
    this.pictures = new Map();
    find("cards").replaceChildren();
    find("left").replaceChildren();
    find("right").replaceChildren();
    for (const [label, address] of Object.entries(shown)) this.#offer(label, address);
    find("left").selectedIndex = 0;
    find("results").hidden = false;
    find("compare").hidden = true;
  }

  #offer(label, address) {
    this.pictures.set(label, address);
    for (const side of ["left", "right"]) find(side).append(new Option(label));
  }

  // A card that waits for what a method paints.
  card(method) {
    const card = element("li", { className: "waiting" }, element("h3", { textContent: method }), element("p", { textContent: "waiting" }));
    find("cards").append(card);
    return card;
  }

  fill(card, method, answer) {
    card.className = answer.error ? "failed" : "";
    card.lastChild.textContent = answer.error ?? told(answer.times);
    if (answer.error) return;
    this.#offer(method, answer.picture);
    this.painted.push(answer.picture);
    const picture = element("img", { src: answer.picture, alt: `What ${method} painted` });
    const compare = element("button", { type: "button", textContent: "Compare" });
    compare.addEventListener("click", () => this.choose("right", method));
    const file = `${this.name}-${method.replace(/[^\w.+-]+/g, "-")}.png`;
    const save = element("a", { href: answer.picture, download: file, textContent: "Save" });
    save.setAttribute("aria-label", `Save the picture of ${method}`);
    compare.setAttribute("aria-label", `Compare ${method}`);
    card.prepend(picture);
    card.append(element("div", { className: "actions" }, compare, save));
    if (find("compare").hidden) {
      find("compare").hidden = false;
      this.choose("left", find("left").options[0].value);
      this.choose("right", method);
      this.#divide();
    }
  }

  summary() {
    const [painted, failed] = ["#cards li:not(.failed)", "#cards .failed"].map((each) => document.querySelectorAll(each).length);
    return failed ? `${painted} painted, ${failed} could not.` : `${painted} painted.`;
  }

  choose(side, label) {
    find(side).value = label;
    this.#show(side);
    if (side === "right") find("compare").scrollIntoView({ block: "nearest" });
  }

  #show(side) {
    const label = find(side).value;
    Object.assign(find(`${side}-picture`), { src: this.pictures.get(label), alt: label });
  }

  #divide() {
    find("compare").style.setProperty("--at", `${find("divide").value}%`);
  }
}

function told({ painting, loading }) {
  const loaded = loading > 0.05 ? `, after ${seconds(loading)} of loading` : "";
  return `painted in ${seconds(painting)}${loaded}`;
}
