// Buttons that copy a command to the clipboard, if the browser allows it.
document.querySelectorAll(".copied").forEach((place) => {
  const button = place.querySelector("button");
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(place.querySelector("pre").textContent);
    button.textContent = "Copied";
  });
});
