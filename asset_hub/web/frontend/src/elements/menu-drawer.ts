// Keeps a <details> drawer open on wide screens and closed on phones: <menu-drawer><details open>…</details></menu-drawer>
class MenuDrawer extends HTMLElement {
  connectedCallback(): void {
    const details = this.querySelector("details");
    const wide = matchMedia("(min-width: 768px)");
    const set = (): void => { if (details) details.open = wide.matches; };
    wide.addEventListener("change", set);
    set();
  }
}
customElements.define("menu-drawer", MenuDrawer);
