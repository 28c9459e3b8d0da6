// Loads a widget's code only when a page (or a fragment that came later) has the widget.
const ELEMENTS = ["film-player", "deep-zoom", "upload-desk", "sortable-list", "file-digest", "copy-text", "auto-submit", "menu-drawer", "house-keys"];
const asked = new Set<string>();

function load(root: ParentNode): void {
  for (const name of ELEMENTS) {
    if (asked.has(name) || !root.querySelector(name)) continue;
    asked.add(name);
    void import(new URL(`elements/${name}.js`, import.meta.url).href);
  }
}

load(document);
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) if (node instanceof Element) load(node.parentElement ?? document);
  }
}).observe(document.body, { childList: true, subtree: true });
