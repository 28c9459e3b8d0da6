// Deep zoom on our IIIF: <deep-zoom data-info="/iiif/ID/info.json" data-labels…><img></deep-zoom>; without script the picture stays.
import OpenSeadragon from "openseadragon";

class DeepZoom extends HTMLElement {
  connectedCallback(): void {
    const info = this.dataset.info;
    const picture = this.querySelector("img");
    if (!info || this.dataset.ready) return;
    this.dataset.ready = "true";
    const stage = document.createElement("div");
    stage.className = "zoom-stage";
    stage.setAttribute("role", "application");
    stage.setAttribute("aria-label", this.dataset.label ?? "");
    stage.tabIndex = 0;
    const bar = this.buttons();
    this.append(stage, bar);
    // OpenSeadragon would write an inline style here, which the page's policy forbids; site.css says the same.
    const known = document.createElement("style");
    known.setAttribute("data-openseadragon-mobile-css", "true");
    document.head.append(known);
    const viewer = OpenSeadragon({
      element: stage, tileSources: info, showNavigationControl: false, showNavigator: false, maxZoomPixelRatio: 2,
      animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6, immediateRender: true,
      gestureSettingsMouse: { scrollToZoom: false, clickToZoom: false, dblClickToZoom: true },
    });
    viewer.addOnceHandler("open", () => picture?.setAttribute("aria-hidden", "true"));
    viewer.addOnceHandler("open-failed", () => { stage.remove(); bar.remove(); });
    bar.addEventListener("click", (event) => {
      const act = (event.target as Element).closest<HTMLElement>("[data-act]")?.dataset.act;
      if (act === "in") viewer.viewport.zoomBy(1.6);
      if (act === "out") viewer.viewport.zoomBy(1 / 1.6);
      if (act === "home") viewer.viewport.goHome();
      if (act === "full") void (document.fullscreenElement ? document.exitFullscreen() : this.requestFullscreen());
    });
  }

  private buttons(): HTMLElement {
    const bar = document.createElement("p");
    bar.className = "acts zoom-acts";
    for (const [act, label] of [["in", this.dataset.in], ["out", this.dataset.out], ["home", this.dataset.home], ["full", this.dataset.full]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "plain-button";
      button.dataset.act = act;
      button.textContent = label ?? act ?? "";
      bar.append(button);
    }
    return bar;
  }
}
customElements.define("deep-zoom", DeepZoom);
