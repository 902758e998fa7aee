// Plots of a leaderboard are loaded on demand, one script for each metric; every plot can be saved as a file.
(function () {
  "use strict";
  const loaded = new Map();

  /** Load a script that sets window.PLOTS, and cache the plots by its address. */
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

  /** Add a button that saves the plot. */
  function addSaveButton(figure) {
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

  document.addEventListener("plots-requested", async (event) => {
    const place = event.target.querySelector(".plots");
    place.dataset.of = event.detail; // another request may come before this one is loaded
    const plots = await load(event.detail);
    if (place.dataset.of === event.detail) place.replaceChildren(...plots.map((plot) => addSaveButton(figure(plot))));
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".plots figure").forEach((each) => addSaveButton(each)));
})();
