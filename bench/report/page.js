// Sorting: numbers by value, others as text, missing values last; a second click reverses the order.
for (const head of document.querySelectorAll(".sortable thead th")) {
  head.tabIndex = 0;
  const sort = () => {
    const rising = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const body = head.closest("table").tBodies[0];
    const value = (row) => row.children[head.cellIndex].textContent;
    const turn = rising ? 1 : -1;
    const order = (a, b) => {
      const x = Number(value(a)), y = Number(value(b));
      if (isNaN(x) && isNaN(y)) return turn * value(a).localeCompare(value(b));
      return isNaN(x) - isNaN(y) || turn * (x - y);
    };
    body.append(...[...body.rows].sort(order));
  };
  head.addEventListener("click", sort);
  head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
}
// Singling out: every curve and dot of the other models fades.
const chosen = new Set();
for (const key of document.querySelectorAll(".key")) {
  key.setAttribute("aria-pressed", "false");
  key.addEventListener("click", () => {
    const model = key.dataset.model;
    if (!chosen.delete(model)) chosen.add(model);
    key.setAttribute("aria-pressed", String(chosen.has(model)));
    for (const mark of document.querySelectorAll("svg [data-model], tr[data-model]"))
      mark.classList.toggle("faded", chosen.size > 0 && !chosen.has(mark.dataset.model));
  });
}
