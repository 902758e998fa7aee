// One zoom for all images: Panzoom handles the stage, and CSS variables move every image alike.
function GalleryZoom(gallery, onScale) {
  "use strict";
  const MAX_SCALE = 32;
  let width;
  const moving = gallery.querySelector(".stage .right .moving");
  const stage = gallery.querySelector(".stage");
  const zoom = Panzoom(moving, {
    contain: "outside", maxScale: MAX_SCALE, minScale: 1, step: 0.4, panOnlyWhenZoomed: true,
    cursor: "", touchAction: "pan-y", handleStartEvent() {}, setTransform: follow,
  });

  function follow(_, { x, y, scale }) {
    width = moving.offsetWidth;
    gallery.style.setProperty("--scale", scale);
    gallery.style.setProperty("--x", `${(100 * x) / width}%`);
    gallery.style.setProperty("--y", `${(100 * y) / moving.offsetHeight}%`);
    gallery.classList.toggle("zoomed", scale > 1);
    onScale(scale);
  }

  moving.addEventListener("panzoomchange", ({ detail }) => zoom.setOptions({ touchAction: detail.scale > 1 ? "none" : "pan-y" }));
  stage.addEventListener("wheel", (event) => {
    if (zoom.getScale() > 1 || event.deltaY < 0) zoom.zoomWithWheel(event); // otherwise the page scrolls
  }, { passive: false });
  addEventListener("resize", () => { // Panzoom counts in pixels
    const { x, y } = zoom.getPan();
    const wider = moving.offsetWidth / width;
    zoom.pan(x * wider, y * wider, { force: true });
  });

  const shift = (x, y) => {
    const step = (0.1 * moving.offsetWidth) / zoom.getScale();
    zoom.pan(x * step, y * step, { relative: true });
  };
  return {
    in: () => zoom.zoomIn({ animate: false }),
    out: () => zoom.zoomOut({ animate: false }),
    whole: () => zoom.reset({ animate: false }),
    left: () => shift(1, 0), right: () => shift(-1, 0), up: () => shift(0, 1), down: () => shift(0, -1),
  };
}
