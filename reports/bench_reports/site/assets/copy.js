// A button beside every command that puts it on the clipboard, where the browser lets a page do so.
document.querySelectorAll(".copied").forEach((place) => {
  const button = place.querySelector("button");
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(place.querySelector("pre").textContent);
    button.textContent = "Copied";
  });
});
