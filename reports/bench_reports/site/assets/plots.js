// Plots: those of a leaderboard come when they are asked for, from a script each; every plot can be saved as a file.
(function () {
  "use strict";
  const loaded = new Map();

  /** A script sets window.PLOTS; what it set is kept under the script's address. */
  function load(address) {
    if (!loaded.has(address)) {
      loaded.set(address, new Promise((done) => {
        const script = document.createElement("script");
        script.onload = () => done(window.PLOTS);
        script.onerror = () => done([]);
        script.src = address;
        document.head.append(script);
      }));
    }
    return loaded.get(address);
  }

  function figure(plot) {
    const made = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const drawn = new DOMParser().parseFromString(plot.svg, "image/svg+xml").documentElement;
    caption.textContent = plot.title;
    made.append(document.importNode(drawn, true), caption);
    return made;
  }

  /** A button that saves what is drawn above it. */
  function savable(figure) {
    const button = document.createElement("button");
    const caption = figure.querySelector("figcaption");
    const title = caption.textContent;
    button.type = "button";
    button.textContent = "Save";
    button.setAttribute("aria-label", `Save as a file: ${title}`);
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      const text = new XMLSerializer().serializeToString(figure.querySelector("svg"));
      link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
      link.download = `${title.replace(/[^\w.-]+/g, "-")}.svg`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    });
    caption.append(button);
    return figure;
  }

  document.addEventListener("asked", async (event) => {
    const place = event.target.querySelector(".plots");
    place.dataset.of = event.detail; // another may be asked for before this one has come
    const plots = await load(event.detail);
    if (place.dataset.of === event.detail) place.replaceChildren(...plots.map((plot) => savable(figure(plot))));
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".plots figure").forEach(savable));
})();
