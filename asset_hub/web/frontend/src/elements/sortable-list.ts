// A list that can be put in order by dragging or by its buttons: <sortable-list data-up data-down><ol><li><input type=hidden name=order>…
import Sortable from "sortablejs";

class SortableList extends HTMLElement {
  connectedCallback(): void {
    const list = this.querySelector<HTMLElement>("ol, ul, tbody");
    if (!list) return;
    Sortable.create(list, { animation: 120, handle: "[data-handle]" });
    this.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLButtonElement>("button[data-move]");
      const row = button?.closest<HTMLElement>("li, tr");
      if (!button || !row) return;
      event.preventDefault();
      if (button.dataset.move === "up") row.previousElementSibling?.before(row);
      else row.nextElementSibling?.after(row);
      button.focus();
    });
  }
}
customElements.define("sortable-list", SortableList);
