// In which order pairs are shown, and what an address says. Nothing here touches the page.
const GalleryOrder = (function () {
  "use strict";
  const INFINITE = 1e300;

  /** How good each pair is, larger is better; null where nothing was measured. */
  function merits(set, method, metric) {
    const sign = set.metrics[metric].arrow === "↑" ? 1 : -1;
    return set.values[method][metric].map((value) => (value === null ? null : sign * value));
  }

  /** The largest difference between two methods, for each pair; null where fewer than two were measured. */
  function spreads(set, metric) {
    return set.pairs.map((_, pair) => {
      const found = set.values.map((of) => of[metric][pair]).filter((value) => value !== null);
      return found.length < 2 ? null : Math.max(...found) - Math.min(...found);
    });
  }

  /** What the order goes by, for each pair, in words; empty where pairs stand as they are stored. */
  function told(set, state) {
    if (state.order === "stored" || !set.metrics.length) return set.pairs.map(() => "");
    const values = state.order === "disagreed" ? spreads(set, state.metric) : set.values[state.of][state.metric];
    const before = state.order === "disagreed" ? "Δ " : "";
    return values.map((value) => (value === null ? "–" : before + text(value, set.metrics[state.metric].digits)));
  }

  /** Indexes of pairs, the first to show first; pairs without a value come last, and equal ones as they are stored. */
  function sorted(set, state) {
    const all = set.pairs.map((_, pair) => pair);
    if (state.order === "stored" || !set.metrics.length) return all;
    const keys = state.order === "disagreed" ? spreads(set, state.metric) : merits(set, state.of, state.metric);
    const sign = state.order === "worst" ? 1 : -1;
    return all.sort((a, b) => (keys[a] === null) - (keys[b] === null) || sign * (keys[a] - keys[b]) || a - b);
  }

  const text = (value, digits) =>
    Math.abs(value) >= INFINITE ? (value < 0 ? "−∞" : "∞") : value.toFixed(digits).replace("-", "−");

  /** The views that a set has: the truth, the masked image, and every method. */
  const views = (set) => ["truth", "masked", ...set.methods.map((method) => method.name)];

  const place = (names, name, otherwise) => (names.includes(name) ? names.indexOf(name) : otherwise);

  /** What an address asks for, with what is usual in place of what it does not say or what there is not. */
  function read(sets, hash) {
    const asked = new URLSearchParams(hash.replace(/^#/, ""));
    const set = place(sets.map((each) => each.name), asked.get("set"), 0);
    const now = sets[set];
    const painted = now.methods.findLastIndex((_, method) => now.pairs.some((pair) => pair.painted[method]));
    const state = {
      set,
      order: ["best", "worst", "disagreed"].includes(asked.get("order")) ? asked.get("order") : "stored",
      of: place(now.methods.map((each) => each.name), asked.get("of"), painted),
      metric: place(now.metrics.map((each) => each.key), asked.get("metric"), 0),
      left: place(views(now), asked.get("left"), 0),
      right: place(views(now), asked.get("right"), painted + 2),
      error: asked.get("show") === "error",
    };
    return { ...state, pair: place(now.pairs.map((each) => each.name), asked.get("image"), sorted(now, state)[0]) };
  }

  function write(sets, state) {
    const set = sets[state.set];
    const said = new URLSearchParams({
      set: set.name,
      image: set.pairs[state.pair].name,
      left: views(set)[state.left],
      right: views(set)[state.right],
      order: state.order,
      ...(state.order === "stored" ? {} : { metric: set.metrics[state.metric].key }),
      ...(["best", "worst"].includes(state.order) ? { of: set.methods[state.of].name } : {}),
      ...(state.error ? { show: "error" } : {}),
    });
    return `#${said}`;
  }

  return { read, write, sorted, told, text, views };
})();
