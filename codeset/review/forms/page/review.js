"use strict";
// Sorting and filtering are added to what is there already: without this script the page reads the same.
(() => {
  const value = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
  };

  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? (a < b ? -1 : a > b ? 1 : 0) : x - y;
  };

  const sort = (table, at, descending) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => ({ row, place, key: value(row, at) }));
    const empty = ({ key }) => key === "";
    rows.sort((a, b) => {
      if (empty(a) || empty(b)) return empty(a) - empty(b) || a.place - b.place;
      return (descending ? -1 : 1) * compare(a.key, b.key) || a.place - b.place;
    });
    body.append(...rows.map(({ row }) => row));
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      if (place === at) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };

  const next = (table, at) => sort(table, at, table.tHead.rows[0].cells[at].getAttribute("aria-sort") === "ascending");

  const sortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => next(table, at));
      head.append(button);
    });
  };

  const chooser = (table) => {
    const label = document.createElement("label");
    label.className = "sort-by";
    const select = document.createElement("select");
    select.add(new Option("as it stands", ""));
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      select.add(new Option(`${head.textContent.trim()}, up`, `${at} up`));
      select.add(new Option(`${head.textContent.trim()}, down`, `${at} down`));
    });
    select.addEventListener("change", () => {
      const [at, way] = select.value.split(" ");
      if (way) sort(table, Number(at), way === "down");
    });
    label.append("Sort by ", select);
    return label;
  };

  const filterable = (table) => {
    const rows = [...table.tBodies[0].rows];
    const texts = new Map(rows.map((row) => [row, (row.dataset.find || row.textContent).toLowerCase()]));
    const bar = document.createElement("div");
    bar.className = "filter";
    const label = document.createElement("label");
    const input = document.createElement("input");
    const told = document.createElement("output");
    input.type = "search";
    input.placeholder = table.dataset.filter;
    const tell = (shown) => { told.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`; };
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !wanted.every((each) => texts.get(row).includes(each));
        shown += !row.hidden;
      }
      tell(shown);
    });
    label.append("Filter ", input);
    bar.append(label, chooser(table), told);
    tell(rows.length);
    table.before(bar);
  };

  // On a phone rows are laid out as cards; the roles keep them a table for screen readers.
  const roles = (table) => {
    table.setAttribute("role", "table");
    for (const part of [table.tHead, ...table.tBodies]) part.setAttribute("role", "rowgroup");
    for (const row of table.rows) {
      row.setAttribute("role", "row");
      for (const cell of row.cells) {
        cell.setAttribute("role", cell.tagName === "TD" ? "cell" : cell.scope === "row" ? "rowheader" : "columnheader");
      }
    }
  };

  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let each = target.parentElement; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  };

  // On paper nothing is folded; what was, is again afterwards.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const each of folded) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of folded) each.open = false; });

  for (const table of document.querySelectorAll("table")) roles(table);
  for (const table of document.querySelectorAll("table[data-filter]")) { filterable(table); sortable(table); }
  addEventListener("hashchange", reveal);
  reveal();
})();
