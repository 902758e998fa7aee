// Gallery: the composites of all methods for one pair of image and hole. The address holds the state.
(function () {
  "use strict";
  const { read, write, sorted, sortLabels, text, views } = GalleryOrder;
  const sets = window.GALLERY;
  const gallery = document.querySelector(".gallery");
  const find = (selector) => gallery.querySelector(selector);
  const [form, strip, stage, split, tiles] = ["form", ".strip", ".stage", ".split", ".tiles"].map(find);
  const button = Object.fromEntries([...gallery.querySelectorAll("button[name]")].map((each) => [each.name, each]));
  let state, drawn = {}, frames = [], order = [];

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  const set = () => sets[state.set];
  const pair = () => set().pairs[state.pair];
  const title = (view) => ["ground truth", "masked image"][view] ?? views(set())[view];

  /** The file of a view, its alternative text, and the reason if there is none. */
  function imageOf(view) {
    const { name, ground_truth: groundTruth, masked, outputs } = pair();
    if (view === 0) return { file: groundTruth, alt: `Ground truth of ${name}` };
    if (view === 1) return { file: masked, alt: `${name} with its hole` };
    const method = set().methods[view - 2];
    const [file, error] = outputs[view - 2] ?? [];
    const reason = method.reason || "saved no image of this pair: repeat its command with more --save-images";
    const alt = state.error ? `Errors of ${method.name} inside the hole of ${name}` : `${name} filled by ${method.name}`;
    return { file, error, alt, reason: `${method.name} ${reason}.`.replace(/\.\.$/, ".") };
  }

  /** Fill a box with images that follow the zoom; return a function that shows a view in it. */
  function Frame(moving) {
    const shown = make("img", { className: "shown", draggable: false });
    const error = make("img", { className: "map", draggable: false, alt: "" });
    const missing = make("p", { className: "missing" });
    moving.append(shown, error);
    moving.after(missing);
    const put = (image, file) => {
      image.hidden = !file;
      if (file && image.getAttribute("src") !== `images/${file}`) image.src = `images/${file}`;
    };
    return (view) => {
      const found = imageOf(view);
      put(shown, found.file);
      put(error, state.error && found.error);
      shown.alt = found.alt;
      shown.classList.toggle("behind", Boolean(state.error && found.error));
      missing.hidden = Boolean(found.file);
      missing.textContent = found.file ? "" : found.reason;
    };
  }

  const sides = [".left", ".right"].map((name) => Frame(find(`.side${name} .moving`)));

  function fillControls() {
    const options = (name, texts) => form[name].replaceChildren(...texts.map((each, index) => make("option", { value: index }, each)));
    options("set", sets.map((each) => each.name));
    options("of", set().methods.map((each) => each.name));
    options("metric", set().metrics.map((each) => `${each.title} ${each.arrow}`));
    form.set.parentElement.hidden = sets.length < 2;
    for (const name of ["order", "of", "metric"]) form[name].parentElement.hidden = !set().metrics.length;
  }

  /** A name that may wrap before each of its parts. */
  const breakable = (name) => name.split(/(?=[#/])/).flatMap((part) => [make("wbr"), part]);

  function fillStrip() {
    order = sorted(set(), state);
    const labels = sortLabels(set(), state);
    strip.replaceChildren(...order.map((index) => {
      const { name, thumb, size } = set().pairs[index];
      const image = make("img", { loading: "lazy", alt: "", width: size[0], height: size[1], src: `images/${thumb}` });
      const inner = [image, make("span", { className: "name" }, ...breakable(name)), ...(labels[index] ? [make("span", {}, labels[index])] : [])];
      return make("li", {}, make("button", { type: "button", title: name, tabIndex: -1, onclick: () => show({ pair: index }) }, ...inner));
    }));
  }

  function fillTable() {
    const head = (...inner) => make("th", { scope: "col" }, ...inner);
    const radio = (name, view) =>
      make("input", { type: "radio", name, value: view, ariaLabel: `${title(view)} on the ${name}`, onchange: () => show({ [name]: view }) });
    const rows = views(set()).map((_, view) => make("tr", {},
      make("td", {}, radio("left", view)), make("td", {}, radio("right", view)),
      make("th", { scope: "row" }, view < 2 ? title(view) : make("a", { href: set().methods[view - 2].path }, title(view))),
      ...set().metrics.map(() => make("td", {}))));
    const heads = [head("Left"), head("Right"), make("th", { scope: "col", className: "text" }, "Image"), ...set().metrics.map((each) => head(`${each.title} ${each.arrow}`))];
    const caption = make("caption", { className: "visually-hidden" }, "Compared images and their values");
    find(".values").replaceChildren(make("table", {}, caption, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)));
  }

  function fillTiles() {
    const made = views(set()).map((_, view) => {
      const moving = make("div", { className: "moving" });
      const tile = make("button", { type: "button", className: "tile", title: `Compare ${title(view)} (right side)`, onclick: () => show({ right: view }) },
        make("span", { className: "frame" }, moving), make("span", { className: "who" }, title(view)), make("span", { className: "what" }));
      return { tile, show: Frame(moving) };
    });
    tiles.replaceChildren(...made.map(({ tile }) => tile));
    frames = [...sides, ...made.map((each) => each.show)];
  }

  /** Whether each method has the best value of a metric on this pair; false if only one was measured. */
  function best(metric) {
    const found = set().values.map((of) => of[metric][state.pair]);
    const known = found.filter((value) => value !== null);
    const goal = (set().metrics[metric].arrow === "↑" ? Math.max : Math.min)(...known);
    return found.map((value) => known.length > 1 && value === goal);
  }

  function showValues() {
    const winners = set().metrics.map((_, metric) => best(metric));
    [...find(".values tbody").rows].forEach((row, view) => {
      row.querySelector("[name=left]").checked = state.left === view;
      row.querySelector("[name=right]").checked = state.right === view;
      row.classList.toggle("chosen", [state.left, state.right].includes(view));
      set().metrics.forEach(({ digits }, metric) => {
        const value = view < 2 ? null : set().values[view - 2][metric][state.pair];
        row.cells[metric + 3].textContent = value === null ? (view < 2 ? "" : "–") : text(value, digits);
        row.cells[metric + 3].classList.toggle("best", view > 1 && winners[metric][view - 2]);
      });
    });
    const metric = set().metrics[state.metric];
    [...tiles.querySelectorAll(".what")].forEach((what, view) => {
      const value = view < 2 || !metric ? null : set().values[view - 2][state.metric][state.pair];
      what.textContent = value === null ? "" : `${metric.title} ${text(value, metric.digits)}`;
    });
  }

  function showPair() {
    const { name, ratio, size } = pair();
    gallery.style.setProperty("--aspect", size[0] / size[1]);
    find(".pair .name").textContent = name;
    const hole = ratio === null ? "" : `${(100 * ratio).toFixed(1)} % hidden · `;
    const place = order.indexOf(state.pair);
    find(".about").textContent = `${hole}${size[0]} × ${size[1]} pixels · ${place + 1} of ${order.length} pairs with images`;
    button.previous.disabled = place === 0;
    button.next.disabled = place === order.length - 1;
    [...strip.children].forEach((item, index) => {
      const here = index === place;
      if (here) strip.scrollTo({ left: item.offsetLeft - (strip.clientWidth - item.clientWidth) / 2 });
      if (here !== item.firstChild.hasAttribute("aria-current")) item.firstChild.toggleAttribute("aria-current", here);
      item.firstChild.tabIndex = here ? 0 : -1;
    });
  }

  function showStage() {
    [state.left, state.right, ...views(set()).keys()].forEach((view, index) => frames[index](view));
    find(".tag.left").textContent = title(state.left);
    find(".tag.right").textContent = title(state.right);
    split.ariaLabel = `Boundary between ${title(state.left)} and ${title(state.right)}`;
    divide();
    [...tiles.children].forEach((tile, view) => {
      tile.classList.toggle("left", state.left === view);
      tile.classList.toggle("right", state.right === view);
    });
    button.error.ariaPressed = String(state.error);
    find(".legend").hidden = !state.error;
  }

  function draw() {
    const changed = (...names) => names.some((name) => drawn[name] !== state[name]);
    if (changed("set")) [fillControls, fillTable, fillTiles].forEach((fill) => fill());
    if (changed("set", "order", "of", "metric")) fillStrip();
    for (const name of ["set", "order", "of", "metric"]) form[name].value = state[name];
    form.of.disabled = !["best", "worst"].includes(state.order);
    [showPair, showStage, showValues].forEach((each) => each());
    drawn = state;
  }

  function show(changes) {
    state = { ...state, ...changes };
    draw();
    history.replaceState(null, "", write(sets, state));
  }

  function step(by) {
    const index = order[order.indexOf(state.pair) + by];
    const within = strip.contains(document.activeElement);
    if (index !== undefined) show({ pair: index });
    if (within) strip.querySelector("[aria-current]").focus({ preventScroll: true });
  }

  function choose() {
    const chosen = { order: form.order.value, of: Number(form.of.value), metric: Number(form.metric.value) };
    if (Number(form.set.value) !== state.set) {
      const address = new URLSearchParams(write(sets, state).slice(1));
      address.set("set", sets[form.set.value].name);
      show(read(sets, address.toString()));
    } else show({ ...chosen, pair: sorted(set(), { ...state, ...chosen })[0] });
  }

  function divide() {
    stage.style.setProperty("--split", `${split.value}%`);
    split.ariaValueText = `${Math.round(split.value)} % ${title(state.left)}`;
  }

  state = read(sets, location.hash);
  gallery.hidden = false;
  draw();
  const zoom = GalleryZoom(gallery, (scale) => {
    find(".scale").textContent = `${Math.round(100 * scale)} %`;
    gallery.classList.toggle("pixels", (stage.clientWidth * scale) / pair().size[0] > 3);
  });

  const actions = {
    previous: () => step(-1), next: () => step(1), in: zoom.in, out: zoom.out, whole: zoom.whole,
    swap: () => show({ left: state.right, right: state.left }), error: () => show({ error: !state.error }),
  };
  const keys = { "+": "in", "=": "in", "-": "out", 0: "whole", s: "swap", e: "error" };
  for (const [name, act] of Object.entries(actions)) button[name].addEventListener("click", act);
  form.addEventListener("change", choose);
  split.addEventListener("input", divide);
  addEventListener("hashchange", () => { if (location.hash.includes("=")) { state = read(sets, location.hash); draw(); } });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return;
    const arrow = event.key.match(/^Arrow(Left|Right|Up|Down)$/)?.[1].toLowerCase();
    // single letters work only inside the gallery: elsewhere they would interfere with speech input
    if (gallery.contains(document.activeElement) && keys[event.key]) actions[keys[event.key]]();
    else if (arrow && event.shiftKey) zoom[arrow]();
    else if (["left", "right"].includes(arrow) && !event.target.closest("input, .values")) step(arrow === "left" ? -1 : 1);
    else return;
    event.preventDefault();
  });
})();
