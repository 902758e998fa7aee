// Light or dark: as the system has it, until the reader chooses. Runs in the head, before anything is painted.
(function () {
  "use strict";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = {
    get() { try { return localStorage.getItem("theme"); } catch { return null; } },
    set(theme) { try { localStorage.setItem("theme", theme); } catch { /* some browsers keep nothing for files */ } },
  };
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const other = () => (now() === "dark" ? "light" : "dark");
  if (["light", "dark"].includes(kept.get())) root.dataset.theme = kept.get();

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.theme");
    const tell = () => { button.textContent = other() === "dark" ? "Dark" : "Light"; };
    button.hidden = false;
    button.addEventListener("click", () => { root.dataset.theme = other(); kept.set(now()); tell(); });
    dark.addEventListener("change", tell);
    tell();
  });
})();
