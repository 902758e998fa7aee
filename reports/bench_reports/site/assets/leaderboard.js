// Leaderboards: filters, order and columns. The address holds the state of the last one that was changed.
(function () {
  "use strict";
  const [VALUE, HALF, MARKS, BEST, MEAN, LOW, HIGH, RANKS, GROUP] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

  function Board(data) {
    const section = document.getElementById(data.id);
    const form = section.querySelector("form");
    const table = section.querySelector("table");
    const heads = [...table.querySelectorAll("th[data-sort]")];
    const rows = [...table.tBodies[0].rows];
    const better = Object.fromEntries(data.metrics.map((metric) => [metric.key, metric.better]));
    const defaults = { mask: data.masks[0], part: "", seed: "", sort: data.metrics[0].key, order: "best", hide: "" };
    let state = { ...defaults };

    const view = () =>
      data.views.find((each) => each.mask === state.mask && each.part === state.part && String(each.seed ?? "") === state.seed);

    function fill() {
      const now = view();
      now.columns.forEach((cells, column) => {
        const ends = cells.flatMap((cell) => [cell[LOW], cell[HIGH]]).filter((end) => end !== null);
        const [least, most] = [Math.min(...ends), Math.max(...ends)];
        const place = (value) => `${(100 * (value - least)) / (most - least || 1)}%`;
        rows.forEach((row, index) => fillCell(row.cells[column + 1], cells[index], place));
      });
      rows.forEach((row, index) => { row.cells[0].querySelector(".reason").textContent = now.reasons[index]; });
      section.querySelector(".notes").replaceChildren(...now.notes.map((note) => {
        const item = document.createElement("li");
        item.textContent = note;
        return item;
      }));
    }

    function fillCell(td, cell, place) {
      const put = (name, text) => { td.querySelector(name).textContent = text; };
      put(".value", cell[VALUE]);
      put(".half", cell[HALF]);
      put(".marks", cell[MARKS]);
      put(".ranks", cell[RANKS] && `rank ${cell[RANKS]} · ${cell[GROUP]}`);
      td.classList.toggle("best", cell[BEST]);
      td.classList.toggle("gap", cell[LOW] === null);
      const interval = td.querySelector(".span i").style;
      interval.setProperty("--low", place(cell[LOW] ?? 0));
      interval.setProperty("--high", place(cell[HIGH] ?? 0));
    }

    /** Sort value of a row, smaller is better; null if it has none. */
    function merit(index) {
      const column = data.metrics.findIndex((metric) => metric.key === state.sort);
      if (column < 0) return data.methods[index].costs[state.sort]?.[1] ?? null;
      const mean = view().columns[column][index][MEAN];
      return mean !== null && better[state.sort] === "higher" ? -mean : mean;
    }

    /** Metric of the plots: the one that sorts, or the first visible one. */
    function plottedMetric() {
      const keys = data.metrics.map((metric) => metric.key);
      return keys.includes(state.sort) ? state.sort : keys.find((key) => !state.hide.split(",").includes(key)) ?? keys[0];
    }

    function sort() {
      const names = new Intl.Collator("en", { numeric: true });
      const sign = state.order === "worst" ? -1 : 1;
      const keyed = rows.map((row, index) => ({ row, merit: state.sort === "name" ? 0 : merit(index), name: data.methods[index].name }));
      keyed.sort((a, b) =>
        (a.merit === null) - (b.merit === null) || sign * (a.merit - b.merit) ||
        (state.sort === "name" ? sign : 1) * names.compare(a.name, b.name));
      table.tBodies[0].append(...keyed.map((each) => each.row));
      for (const head of heads) {
        if (head.dataset.sort !== state.sort) head.removeAttribute("aria-sort");
        else head.ariaSort = (better[state.sort] === "higher") === (state.order === "best") ? "descending" : "ascending";
      }
    }

    function hide() {
      const hidden = state.hide ? state.hide.split(",") : [];
      heads.forEach((head, column) => {
        for (const cell of [head, ...rows.map((row) => row.cells[column])]) cell.hidden = hidden.includes(head.dataset.sort);
      });
      for (const what of ["ranks", "costs"]) table.classList.toggle(`with-${what}`, !hidden.includes(what));
    }

    function show() {
      if (!view()) state = { ...state, part: "" }; // this mask set has no holes of that ratio
      for (const name of ["mask", "part", "seed"]) if (form[name]) form[name].value = state[name];
      for (const option of form.part?.options ?? []) {
        option.disabled = !data.views.some((each) => each.mask === state.mask && each.part === option.value);
      }
      for (const box of form.querySelectorAll("input")) box.checked = !state.hide.split(",").includes(box.value);
      fill();
      hide();
      sort();
      section.dispatchEvent(new CustomEvent("plots-requested", { bubbles: true, detail: data.plots[state.mask][plottedMetric()] }));
    }

    function change(fields) {
      state = { ...state, ...fields };
      show();
      const changed = Object.entries(state).filter(([key, value]) => value !== defaults[key]);
      history.replaceState(null, "", `#${data.id}${changed.length ? `?${new URLSearchParams(changed)}` : ""}`);
      const by = heads.find((head) => head.dataset.sort === state.sort).innerText.trim();
      section.querySelector("[role=status]").textContent = `${[state.mask, state.part].join(" ")}, sorted by ${by}, ${state.order} first`;
    }

    form.addEventListener("change", () => {
      const off = [...form.querySelectorAll("input:not(:checked)")].map((box) => box.value);
      const chosen = Object.fromEntries(["mask", "part", "seed"].filter((name) => form[name]).map((name) => [name, form[name].value]));
      change({ ...chosen, hide: off.join(",") });
    });
    for (const head of heads) {
      head.querySelector("button").addEventListener("click", () => {
        const again = head.dataset.sort === state.sort && state.order === "best";
        change({ sort: head.dataset.sort, order: again ? "worst" : "best" });
      });
    }
    form.hidden = false;
    return {
      open(given) {
        const valid = Object.entries(given).filter(([key, value]) => key in defaults && known(key, value));
        state = { ...defaults, ...Object.fromEntries(valid) };
        show();
      },
    };

    /** Ignore values in the address that do not exist here. */
    function known(key, value) {
      if (key === "sort") return heads.some((head) => head.dataset.sort === value);
      if (key === "order") return ["best", "worst"].includes(value);
      return key === "hide" || data.views.some((each) => String(each[key] ?? "") === value);
    }
  }

  const boards = new Map(window.BOARDS.map((data) => [data.id, Board(data)]));

  function follow() {
    const [fragment, query] = location.hash.slice(1).split("?");
    const id = [...boards.keys()].find((each) => [each, encodeURIComponent(each)].includes(fragment));
    for (const [name, board] of boards) board.open(name === id ? Object.fromEntries(new URLSearchParams(query)) : {});
    if (id && query && boards.size > 1) document.getElementById(id).scrollIntoView();
  }

  addEventListener("hashchange", follow);
  follow();
})();
