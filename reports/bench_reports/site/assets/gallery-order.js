// Order of pairs, and the state in the address. Independent of the page.
const GalleryOrder = (function () {
  "use strict";
  const INFINITE = 1e300;

  /** Merit of each pair, larger is better; null if it was not measured. */
  function merits(set, method, metric) {
    const sign = set.metrics[metric].arrow === "↑" ? 1 : -1;
    return set.values[method][metric].map((value) => (value === null ? null : sign * value));
  }

  /** Largest difference between two methods on each pair; null if fewer than two were measured. */
  function spreads(set, metric) {
    return set.pairs.map((_, pair) => {
      const found = set.values.map((of) => of[metric][pair]).filter((value) => value !== null);
      return found.length < 2 ? null : Math.max(...found) - Math.min(...found);
    });
  }

  /** Text of each pair's sort value; empty in stored order. */
  function sortLabels(set, state) {
    if (state.order === "stored" || !set.metrics.length) return set.pairs.map(() => "");
    const values = state.order === "disagreed" ? spreads(set, state.metric) : set.values[state.of][state.metric];
    const before = state.order === "disagreed" ? "Δ " : "";
    return values.map((value) => (value === null ? "–" : before + text(value, set.metrics[state.metric].digits)));
  }

  /** Sorted indexes of pairs. Pairs without a value come last, equal ones keep their stored order. */
  function sorted(set, state) {
    const all = set.pairs.map((_, pair) => pair);
    if (state.order === "stored" || !set.metrics.length) return all;
    const keys = state.order === "disagreed" ? spreads(set, state.metric) : merits(set, state.of, state.metric);
    const sign = state.order === "worst" ? 1 : -1;
    return all.sort((a, b) => (keys[a] === null) - (keys[b] === null) || sign * (keys[a] - keys[b]) || a - b);
  }

  const text = (value, digits) =>
    Math.abs(value) >= INFINITE ? (value < 0 ? "−∞" : "∞") : value.toFixed(digits).replace("-", "−");

  /** Views of a mask set: ground truth, mgiven image, and every method. */
  const views = (set) => ["ground-truth", "mgiven", ...set.methods.map((method) => method.name)];

  const indexOf = (names, name, fallback) => (names.includes(name) ? names.indexOf(name) : fallback);

  /** Read the state from an address, with defaults for missing and unknown values. */
  function read(sets, hash) {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    const set = indexOf(sets.map((each) => each.name), given.get("set"), 0);
    const now = sets[set];
    const last = now.methods.findLastIndex((_, method) => now.pairs.some((pair) => pair.outputs[method]));
    const state = {
      set,
      order: ["best", "worst", "disagreed"].includes(given.get("order")) ? given.get("order") : "stored",
      of: indexOf(now.methods.map((each) => each.name), given.get("of"), last),
      metric: indexOf(now.metrics.map((each) => each.key), given.get("metric"), 0),
      left: indexOf(views(now), given.get("left"), 0),
      right: indexOf(views(now), given.get("right"), last + 2),
      error: given.get("show") === "error",
    };
    return { ...state, pair: indexOf(now.pairs.map((each) => each.name), given.get("image"), sorted(now, state)[0]) };
  }

  function write(sets, state) {
    const set = sets[state.set];
    const address = new URLSearchParams({
      set: set.name,
      image: set.pairs[state.pair].name,
      left: views(set)[state.left],
      right: views(set)[state.right],
      order: state.order,
      ...(state.order === "stored" ? {} : { metric: set.metrics[state.metric].key }),
      ...(["best", "worst"].includes(state.order) ? { of: set.methods[state.of].name } : {}),
      ...(state.error ? { show: "error" } : {}),
    });
    return `#${address}`;
  }

  return { read, write, sorted, sortLabels, text, views };
})();
