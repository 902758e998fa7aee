// Light or dark theme: the system's until the reader chooses. Runs in the head, before the first paint.
(function () {
  "use strict";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stored = {
    get() { try { return localStorage.getItem("theme"); } catch { return null; } },
    set(theme) { try { localStorage.setItem("theme", theme); } catch { /* some browsers store nothing for files */ } },
  };
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const other = () => (now() === "dark" ? "light" : "dark");
  if (["light", "dark"].includes(stored.get())) root.dataset.theme = stored.get();

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.theme");
    const update = () => { button.textContent = other() === "dark" ? "Dark" : "Light"; };
    button.hidden = false;
    button.addEventListener("click", () => { root.dataset.theme = other(); stored.set(now()); update(); });
    dark.addEventListener("change", update);
    update();
  });
})();
